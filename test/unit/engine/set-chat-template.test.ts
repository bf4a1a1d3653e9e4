import { Template } from '@huggingface/jinja';
import { describe, expect, it } from 'vitest';
import { chatTemplates } from '../../../src/engine/chat-templates';
import type { ModelInput } from '../../../src/engine/model-input';
import { setChatTemplate } from '../../../src/engine/set-chat-template';
import type { Recipe } from '../../../src/recipe/recipe';
import { tinyModel } from './tiny-models';

const talk = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'One?' },
  { role: 'assistant', content: 'Two.' },
  { role: 'user', content: 'Three?' },
];

function rendered(name: string, messages: readonly object[]): string {
  return new Template(chatTemplates.get(name) ?? '').render({
    messages,
    add_generation_prompt: true,
    bos_token: '<s>',
    eos_token: '</s>',
  });
}

describe('chatTemplates', () => {
  it.each([
    [
      'alpaca',
      'Be brief.\n\n### Instruction:\nOne?\n\n### Response:\nTwo.</s>\n\n### Instruction:\nThree?\n\n### Response:\n',
      '### Instruction:\nThree?\n\n### Response:\n',
    ],
    [
      // As mergekit 0.1.4's renders.
      'chatml',
      '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nOne?<|im_end|>\n<|im_start|>assistant\nTwo.<|im_end|>\n<|im_start|>user\nThree?<|im_end|>\n<|im_start|>assistant\n',
      '<|im_start|>user\nThree?<|im_end|>\n<|im_start|>assistant\n',
    ],
    [
      'exaone',
      '[|system|]Be brief.[|endofturn|]\n[|user|]One?\n[|assistant|]Two.[|endofturn|]\n[|user|]Three?\n[|assistant|]',
      '[|system|][|endofturn|]\n[|user|]Three?\n[|assistant|]',
    ],
    [
      'llama3',
      '<s><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nOne?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nTwo.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nThree?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n',
      '<s><|start_header_id|>user<|end_header_id|>\n\nThree?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n',
    ],
    [
      // As mergekit 0.1.4's renders.
      'mistral',
      '<s> [INST] Be brief.\n\nOne? [/INST] Two.</s> [INST] Three? [/INST]',
      '<s> [INST] Three? [/INST]',
    ],
  ])('renders %s', (name, whole, last) => {
    expect(rendered(name, talk)).toBe(whole);
    expect(rendered(name, talk.slice(-1))).toBe(last);
  });
});

const own = '{{ messages[0].content }} by a template of its own';
const recipe: Recipe = {
  mergeMethod: 'linear',
  models: ['a', 'b', 'c'].map((model) => ({ model, parameters: { weight: 1 } })),
  parameters: {},
};

async function models(
  files: Readonly<Record<string, readonly (readonly [string, string])[]>>,
): Promise<Map<string, ModelInput>> {
  const made = await Promise.all(
    ['a', 'b', 'c'].map(async (id) => tinyModel(id, { files: files[id] ?? [] })),
  );
  return new Map(made.map((model) => [model.id, model]));
}

async function textOf(model: ModelInput | undefined, path: string): Promise<string | undefined> {
  const file = model?.files.files.get(path);
  return file && new TextDecoder().decode(await file.read(0, file.sizeBytes));
}

async function templatesOf(
  chatTemplate: string,
  inputs: Map<string, ModelInput>,
): Promise<(string | undefined)[]> {
  const wanted = { ...recipe, chatTemplate };
  const { inputs: changed } = await setChatTemplate(wanted, inputs, inputs);
  return [
    await textOf(changed.get('a'), 'tokenizer_config.json'),
    await textOf(changed.get('a'), 'chat_template.jinja'),
  ];
}

describe('setChatTemplate', () => {
  it('writes a named or literal template where the tokenizer keeps its own', async () => {
    const config = ['tokenizer_config.json', '{"eos_token":"</s>","chat_template":"old"}'] as const;
    const inConfig = await models({ a: [config] });
    const [written, file] = await templatesOf('chatml', inConfig);
    expect(JSON.parse(written ?? '')).toEqual({
      eos_token: '</s>',
      chat_template: chatTemplates.get('chatml'),
    });
    expect(file).toBeUndefined();

    const inBoth = await models({ a: [config, ['chat_template.jinja', 'old']] });
    const both = await templatesOf(own, inBoth);
    expect(JSON.parse(both[0] ?? '')).toMatchObject({ chat_template: own });
    expect(both[1]).toBe(own);

    expect(await templatesOf(own, await models({}))).toEqual([undefined, own]);
  });

  it('finds the template that most models have, the first one on ties', async () => {
    const config = (template: unknown): readonly [string, string] => [
      'tokenizer_config.json',
      JSON.stringify({ chat_template: template }),
    ];
    const files = {
      a: [config('{{ first }}')],
      b: [config([{ name: 'default', template: ' {{ second }}\n' }])],
      c: [['chat_template.jinja', '{{ second }}']] as const,
    };
    const most = await templatesOf('auto', await models(files));
    expect(JSON.parse(most[0] ?? '')).toEqual({ chat_template: '{{ second }}' });
    const tied = await templatesOf('auto', await models({ a: files.a, b: files.b }));
    expect(JSON.parse(tied[0] ?? '')).toEqual({ chat_template: '{{ first }}' });
  });

  it('leaves the inputs alone without the setting, or when no model has a template', async () => {
    const inputs = await models({});
    expect((await setChatTemplate(recipe, inputs, inputs)).inputs).toBe(inputs);
    const auto = await setChatTemplate({ ...recipe, chatTemplate: 'auto' }, inputs, inputs);
    expect(auto.inputs).toBe(inputs);
  });

  it.each(['chatlm', 'a text that is long but holds no braces'])('refuses %j', async (wanted) => {
    const inputs = await models({});
    await expect(templatesOf(wanted, inputs)).rejects.toMatchObject({ code: 'recipe/bad-value' });
  });
});
