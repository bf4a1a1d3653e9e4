import { describe, expect, it } from 'vitest';
import { alignVocabularies } from '../../../src/engine/align-vocabularies';
import { parseTokenizerJson, tokenIds } from '../../../src/formats/tokenizer-json';
import { parseRecipe } from '../../../src/recipe/parse-recipe';
import type { Recipe, TokenizerSetting } from '../../../src/recipe/recipe';
import {
  embedding,
  golden,
  head,
  idsOf,
  modelOf,
  modelsOf,
  rowsOf,
  textOf,
  type Golden,
} from './token-models';

function recipeOf(
  base: string,
  models: readonly string[],
  tokenizer: Partial<TokenizerSetting> = {},
): Recipe {
  return {
    mergeMethod: 'linear',
    baseModel: base,
    models: models.map((model) => ({ model, parameters: { weight: 1 } })),
    parameters: {},
    dtype: 'float32',
    tokenizer: { source: 'union', tokens: {}, ...tokenizer },
  };
}

describe('alignVocabularies and mergekit 0.1.4', () => {
  it.each(golden.cases)('$title', async (example) => {
    const inputs = await modelsOf(...example.models);
    const recipe = parseRecipe(
      JSON.stringify({
        merge_method: 'linear',
        base_model: example.base,
        dtype: 'float32',
        models: example.models.map((model) => ({ model, parameters: { weight: 1 } })),
        ...example.setting,
      }),
    );
    const prepared = await alignVocabularies(recipe, inputs);
    const wantedIds = tokenIds(
      parseTokenizerJson(new TextEncoder().encode(JSON.stringify(example.tokenizer)), 'x'),
    );
    for (const id of example.models) {
      const model = prepared.inputs.get(id);
      const ids = await idsOf(model);
      expect([...ids.keys()].sort()).toEqual([...wantedIds.keys()].sort());
      const config = JSON.parse(await textOf(model, 'config.json')) as { vocab_size: number };
      expect(config.vocab_size).toBe(example.vocabSize);
      for (const name of [embedding, head]) {
        const rows = await rowsOf(model, name);
        expect(rows).toHaveLength(example.vocabSize);
        const bytes = new Uint8Array(Buffer.from(example.aligned[id]?.[name] ?? '', 'base64'));
        const wanted = new Float32Array(bytes.buffer);
        const width = wanted.length / example.vocabSize;
        const wantedRow = (row: number): number[] => [
          ...wanted.subarray(row * width, (row + 1) * width),
        ];
        // Rows of tokens are copies, or means of two rows, so they are equal to the bit.
        for (const [token, row] of wantedIds) {
          expect([token, rows[ids.get(token) ?? -1]]).toEqual([token, wantedRow(row)]);
        }
        // Padding is a mean over some forty rows of size 1: mergekit sums in float32.
        for (let row = wantedIds.size; row < example.vocabSize; row++) {
          wantedRow(row).forEach((value, column) => {
            expect(rows[row]?.[column]).toBeCloseTo(value, 6);
          });
        }
      }
    }
  });

  it.each(golden.cases)('writes the added tokens of $title', async (example) => {
    const inputs = await modelsOf(...example.models);
    const setting = example.setting as { tokenizer_source?: string };
    // mergekit 0.1.4 makes every token that a recipe lists an added one, and no longer special.
    if (example.title === 'tokens') return;
    const source = setting.tokenizer_source ?? 'union';
    const { inputs: aligned } = await alignVocabularies(
      recipeOf(example.base, example.models, { source }),
      inputs,
    );
    const text = await textOf(aligned.get(example.base), 'tokenizer.json');
    const found = (JSON.parse(text) as Golden['cases'][number]['tokenizer']).added_tokens;
    const byContent = (tokens: readonly Record<string, unknown>[]): Map<unknown, object> =>
      new Map(tokens.map((token) => [token['content'], { ...token, id: 0 }]));
    expect(byContent(found)).toEqual(byContent(example.tokenizer.added_tokens));
  });
});

describe('alignVocabularies', () => {
  it('leaves everything as it is without a tokenizer setting', async () => {
    const inputs = await modelsOf('plain', 'chatml');
    const { mergeMethod, models, parameters } = recipeOf('plain', ['chatml']);
    const prepared = await alignVocabularies({ mergeMethod, models, parameters }, inputs);
    expect(prepared.inputs).toBe(inputs);
    expect(prepared.findings).toEqual([]);
  });

  it('orders new tokens by model, then by id, and keeps the base’s ids', async () => {
    const inputs = await modelsOf('plain', 'chatml', 'other');
    const { inputs: aligned } = await alignVocabularies(
      recipeOf('plain', ['other', 'chatml']),
      inputs,
    );
    const ids = [...(await idsOf(aligned.get('plain')))];
    const plain = await idsOf(inputs.get('plain'));
    expect(ids.slice(0, plain.size)).toEqual([...plain]);
    expect(ids.slice(plain.size)).toEqual([
      ['qu', plain.size],
      ['<|im_end|>', plain.size + 1],
      ['<tool>', plain.size + 2],
      ['<|im_start|>', plain.size + 3],
    ]);
  });

  it('reads any range as a part of the whole', async () => {
    const inputs = await modelsOf('plain', 'chatml', 'other');
    const { inputs: aligned } = await alignVocabularies(
      recipeOf('plain', ['chatml', 'other'], { padToMultipleOf: 16 }),
      inputs,
    );
    const checkpoint = aligned.get('plain')?.checkpoint;
    const whole = (await checkpoint?.read(embedding)) ?? new Uint8Array(0);
    expect(whole.byteLength).toBe(48 * 6 * 4);
    for (const [offsetBytes, lengthBytes] of [
      [0, 24],
      [1000, 152],
      [24 * 40 + 5, 77],
      [24 * 47, 24],
      [100, 0],
    ] as const) {
      const part = await checkpoint?.read(embedding, { offsetBytes, lengthBytes });
      expect([...(part ?? [])]).toEqual([
        ...whole.subarray(offsetBytes, offsetBytes + lengthBytes),
      ]);
    }
  });

  it('sets a token to zeros, to the mean, or to another token', async () => {
    const inputs = await modelsOf('plain', 'chatml');
    const tokens: TokenizerSetting['tokens'] = {
      a: { source: { kind: 'zero' }, force: true },
      b: { force: true },
      '<new>': { force: false },
      '<copy>': {
        source: { kind: 'modelToken', model: 'chatml', token: '<|im_end|>' },
        force: false,
      },
    };
    const models = ['plain', 'chatml'].map((model) => ({ model, parameters: { weight: 1 } }));
    const prepared = await alignVocabularies(
      {
        mergeMethod: 'linear',
        models,
        parameters: {},
        dtype: 'float32',
        tokenizer: { source: 'union', tokens },
      },
      inputs,
    );
    const model = prepared.inputs.get('plain');
    const ids = await idsOf(model);
    const rows = await rowsOf(model, embedding);
    const rowOf = (token: string): number[] | undefined => rows[ids.get(token) ?? -1];
    expect(rowOf('a')).toEqual([0, 0, 0, 0, 0, 0]);
    const own = async (id: string, token: string): Promise<number[]> => {
      const found = inputs.get(id);
      return (await rowsOf(found, embedding))[(await idsOf(found)).get(token) ?? -1] ?? [];
    };
    const [plainB, chatmlB] = [await own('plain', 'b'), await own('chatml', 'b')];
    // Two bf16 numbers: their sum and its half are exact in float32.
    expect(rowOf('b')).toEqual(plainB.map((value, index) => (value + (chatmlB[index] ?? 0)) / 2));
    expect(rowOf('<new>')).toEqual([0, 0, 0, 0, 0, 0]);
    expect(rowOf('<copy>')).toEqual(await own('chatml', '<|im_end|>'));
    expect(prepared.findings.map(({ sentence }) => sentence).join()).toContain('"<new>"');
  });

  it('gives tied models the head that others have, and says so in their configs', async () => {
    const tied = await modelOf('chatml', {
      config: { tie_word_embeddings: true },
      without: [head],
    });
    const inputs = new Map([...(await modelsOf('plain')), ['chatml', tied]]);
    const { inputs: aligned } = await alignVocabularies(recipeOf('plain', ['chatml']), inputs);
    const [plain, chatml] = [aligned.get('plain'), aligned.get('chatml')];
    const end = (await idsOf(chatml)).get('<|im_end|>') ?? -1;
    const embeddings = await rowsOf(chatml, embedding);
    expect(await rowsOf(chatml, head)).toEqual(embeddings);
    // The plain model takes the row of its head from the only one that has the token.
    expect((await rowsOf(plain, head))[end]).toEqual(embeddings[end]);
    for (const model of [plain, chatml]) {
      expect(JSON.parse(await textOf(model, 'config.json'))).toMatchObject({
        tie_word_embeddings: false,
      });
    }
  });

  it('keeps all files of an unchanged tokenizer and drops older forms of a changed one', async () => {
    const plain = await modelOf('plain', {
      files: [
        ['tokenizer.model', 'spm'],
        ['tokenizer_config.json', '{"added_tokens_decoder":{"0":{"content":"<unk>"}}}'],
      ],
    });
    const inputs = new Map([...(await modelsOf('chatml')), ['plain', plain]]);
    const base = recipeOf('plain', ['chatml'], { source: 'base' });
    const kept = (await alignVocabularies(base, inputs)).inputs.get('chatml');
    expect(await textOf(kept, 'tokenizer.model')).toBe('spm');
    expect(await textOf(kept, 'tokenizer.json')).toBe(await textOf(plain, 'tokenizer.json'));
    const union = recipeOf('plain', ['chatml']);
    const changed = (await alignVocabularies(union, inputs)).inputs.get('plain');
    expect(changed?.files.files.has('tokenizer.model')).toBe(false);
    const config = JSON.parse(await textOf(changed, 'tokenizer_config.json')) as {
      added_tokens_decoder: Record<string, { content: string; special: boolean }>;
    };
    expect(config.added_tokens_decoder['41']).toMatchObject({
      content: '<|im_start|>',
      special: true,
    });
  });

  it('warns of a model without a tokenizer, and of rows that hardware may want', async () => {
    const bare = await modelOf('chatml', { without: ['tokenizer.json'] });
    const inputs = new Map([...(await modelsOf('plain', 'other')), ['chatml', bare]]);
    const recipe = recipeOf('other', ['chatml'], { source: 'plain' });
    const { findings } = await alignVocabularies(recipe, inputs);
    expect(findings.map(({ code }) => code)).toEqual([
      'source/missing-file',
      'recipe/shape-mismatch',
    ]);
    expect(findings[1]?.sentence).toContain('pad_to_multiple_of');
  });

  it.each([
    ['an unknown text', { kind: 'modelToken', model: 'chatml', token: 'xyz' }, 'recipe/bad-value'],
    ['an id too large', { kind: 'modelToken', model: 'chatml', token: 999 }, 'recipe/bad-value'],
    ['a model without it', { kind: 'model', model: 'plain' }, 'recipe/bad-value'],
    ['a model elsewhere', { kind: 'model', model: 'other' }, 'recipe/missing-model'],
  ] as const)('refuses a source of %s', async (_, source, code) => {
    const tokens = { '<|im_start|>': { source, force: true } };
    const recipe = recipeOf('plain', ['chatml'], { tokens });
    const inputs = await modelsOf('plain', 'chatml', 'other');
    await expect(alignVocabularies(recipe, inputs)).rejects.toMatchObject({ code });
  });

  it('refuses a base without a tokenizer', async () => {
    const inputs = new Map([
      ['plain', await modelOf('plain', { without: ['tokenizer.json'] })],
      ...(await modelsOf('chatml')),
    ]);
    await expect(alignVocabularies(recipeOf('plain', ['chatml']), inputs)).rejects.toMatchObject({
      code: 'source/missing-file',
    });
  });
});
