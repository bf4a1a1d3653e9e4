import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { memoryFiles } from '../../../src/sources/memory-files';
import { openNodeFolder } from '../../../src/sources/node-folder';
import { openCheckpoint } from '../../../src/sources/open-checkpoint';

const zoo = 'public/zoo';
const folder = mkdtempSync(join(tmpdir(), 'mergelab-cli-'));
/** Runs the command as a person does, in a process of its own. */
function mergelab(...parameters: string[]): { status: number; printed: string; err: string } {
  const result = spawnSync(process.execPath, ['src/cli/bin.mjs', ...parameters], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return { status: result.status ?? -1, printed: result.stdout, err: result.stderr };
}

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function recipeFile(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const mathMerge = `merge_method: task_arithmetic
base_model: base
models:
  - model: math
    parameters: {weight: 1}
  - model: coding
    parameters: {weight: 0}
`;

describe('mergelab merge --memory', () => {
  it('refuses a bound that no merge can keep, before anything is read', () => {
    const recipe = recipeFile('bound.yml', mathMerge);
    for (const size of ['400m', '2GB']) {
      const given = ['--root', zoo, '--memory', size];
      const out = join(folder, 'bounded');
      for (const command of [
        ['plan', recipe],
        ['merge', recipe, '--out', out],
      ]) {
        const { status, err } = mergelab(...command, ...given);
        expect([status, err]).toEqual([1, expect.stringMatching(/^error cli\/usage: .*\n$/)]);
      }
      expect(existsSync(out)).toBe(false);
    }
  });
});

describe('mergelab merge', () => {
  it('writes a checkpoint in Hugging Face layout that equals the specialist for weight 1', () => {
    const out = join(folder, 'merged');
    const { status, printed, err } = mergelab(
      'merge',
      recipeFile('math.yml', mathMerge),
      '--root',
      zoo,
      '--out',
      out,
      '--json',
    );
    expect(err).toBe('');
    expect(status).toBe(0);
    expect(readdirSync(out)).toEqual(
      expect.arrayContaining([
        'README.md',
        'config.json',
        'mergekit_config.yml',
        'model.safetensors',
        'tokenizer.json',
        'tokenizer_config.json',
      ]),
    );
    expect(readFileSync(join(out, 'mergekit_config.yml'), 'utf8')).toBe(mathMerge);
    const report = JSON.parse(printed) as { backend: string; bytesWritten: number };
    expect(report.backend).toBe('wasm');
    // base + 1 × (math − base) rounds to math except where float32 rounding moves a bf16 tie.
    const merged = weightsOf(join(out, 'model.safetensors'));
    const math = weightsOf(join(zoo, 'math', 'model.safetensors'));
    expect(merged.byteLength).toBe(math.byteLength);
    let differing = 0;
    for (const [index, byte] of math.entries()) if (merged[index] !== byte) differing++;
    expect(differing / math.byteLength).toBeLessThan(1e-3);
  });

  it('adds adapters to bare weights and cuts the merge into shards', async () => {
    const path = 'test/fixtures/lora/peft.json';
    const { cases } = JSON.parse(readFileSync(path, 'utf8')) as {
      cases: { model: string; config: string; adapter: string; merged: string }[];
    };
    const [example] = cases;
    const bytesOf = (text: string | undefined): Buffer => Buffer.from(text ?? '', 'base64');
    mkdirSync(join(folder, 'tuned'));
    writeFileSync(join(folder, 'bare.safetensors'), bytesOf(example?.model));
    writeFileSync(join(folder, 'tuned', 'adapter_config.json'), example?.config ?? '');
    writeFileSync(join(folder, 'tuned', 'adapter_model.safetensors'), bytesOf(example?.adapter));
    const recipe = recipeFile(
      'adapter.yml',
      `merge_method: linear
colour: green
models:
  - {model: bare.safetensors+tuned, parameters: {weight: 1}}
`,
    );
    const out = join(folder, 'adapted');
    const strict = mergelab('merge', recipe, '--out', out);
    expect(strict.err).toMatch(/^error recipe\/unknown-key: /);
    const { status, err } = mergelab(
      ...['merge', recipe, '--out', out, '--lenient', '--max-shard-size', '1k'],
    );
    expect(err).toMatch(/^warning: .*line 2, column 1: .*colour.*\n$/);
    expect(status).toBe(0);
    expect(existsSync(join(out, 'config.json'))).toBe(false);
    const names = readdirSync(out).filter((name) => name.endsWith('.safetensors'));
    expect(names.length).toBeGreaterThan(2);
    const files = await openNodeFolder(out, 'adapted');
    const merged = await openCheckpoint(files);
    const golden = await openCheckpoint(
      memoryFiles('golden', new Map([['model.safetensors', bytesOf(example?.merged)]])),
    );
    expect([...merged.tensors.keys()].sort()).toEqual([...golden.tensors.keys()].sort());
    for (const name of golden.tensors.keys()) {
      // A single model of weight 1: PEFT's own result, to the bit.
      expect(Buffer.compare(await merged.read(name), await golden.read(name))).toBe(0);
    }
    await files.close();
    const card = readFileSync(join(out, 'README.md'), 'utf8');
    for (const name of names) {
      const hash = createHash('sha256')
        .update(readFileSync(join(out, name)))
        .digest('hex');
      expect(card).toContain(`${hash}  ${name}`);
    }
  });

  it('carries out the last of several recipes, with its tokenizer and chat template', async () => {
    const text = `name: skills
${mathMerge.replace('weight: 0', 'weight: 0.5')}---
merge_method: slerp
base_model: base
models:
  - model: base
  - model: skills
parameters: {t: 0.5}
dtype: bfloat16
tokenizer: {source: union, pad_to_multiple_of: 100}
chat_template: chatml
`;
    const out = join(folder, 'staged');
    const { status, err } = mergelab(
      ...['merge', recipeFile('staged.yml', text), '--root', zoo, '--out', out],
    );
    expect(err).toBe('');
    expect(status).toBe(0);
    expect(readFileSync(join(out, 'mergekit_config.yml'), 'utf8')).toBe(text);
    const config = JSON.parse(readFileSync(join(out, 'config.json'), 'utf8')) as {
      vocab_size: number;
    };
    const tokenizerConfig = readFileSync(join(out, 'tokenizer_config.json'), 'utf8');
    expect(tokenizerConfig).toContain('<|im_start|>');
    const files = await openNodeFolder(out, 'staged');
    const { tensors } = await openCheckpoint(files);
    await files.close();
    expect(config.vocab_size % 100).toBe(0);
    expect(tensors.get('model.embed_tokens.weight')?.shape[0]).toBe(config.vocab_size);
  });

  it('refuses a shard size that mergekit would not take', () => {
    const recipe = recipeFile('size.yml', mathMerge);
    const { status, err } = mergelab(
      ...['merge', recipe, '--root', zoo, '--out', join(folder, 'size'), '--out-shard-size', '5GB'],
    );
    expect(status).toBe(1);
    expect(err).toMatch(/^error cli\/usage: The shard size "5GB"/);
  });

  it.each([
    ['a missing model', mathMerge.replace('model: math', 'model: maths'), 'recipe/missing-model'],
    ['an unknown method', mathMerge.replace('task_arithmetic', 'tied'), 'recipe/unknown-method'],
    ['a misspelt key', mathMerge.replace('base_model', 'base_modle'), 'recipe/unknown-key'],
    ['no number', mathMerge.replace('weight: 1', 'weight: heavy'), 'recipe/bad-value'],
    ['no YAML', 'merge_method: [', 'recipe/syntax'],
  ])('refuses %s in one line and leaves no folder', (_, text, code) => {
    const out = join(folder, 'refused');
    const { status, err } = mergelab(
      'merge',
      recipeFile('bad.yml', text),
      '--root',
      zoo,
      '--out',
      out,
    );
    expect(status).toBe(1);
    expect(err).toMatch(new RegExp(`^error ${code}: .+\\.\\n$`));
    expect(existsSync(out)).toBe(false);
    expect(readdirSync(folder).filter((name) => name.includes('partial'))).toEqual([]);
  });
});

describe('mergelab plan', () => {
  it('says what a merge costs without reading weights', () => {
    const { printed } = mergelab(
      ...['plan', recipeFile('p.yml', mathMerge), '--root', zoo, '--json'],
    );
    const { cost, findings } = JSON.parse(printed) as {
      cost: { elementCount: number; bytesWritten: number };
      findings: { severity: string }[];
    };
    expect(cost.bytesWritten).toBe(2 * cost.elementCount);
    expect(findings.filter(({ severity }) => severity !== 'note')).toEqual([]);
  });
});

describe('mergelab logits and generate', () => {
  it('prints logits as JSON', () => {
    const { printed } = mergelab(...['logits', join(zoo, 'math'), '--tokens', '1,20,30', '--json']);
    const { logits, vocabSize } = JSON.parse(printed) as {
      logits: number[][];
      vocabSize: number;
    };
    expect(logits).toHaveLength(3);
    expect(logits[0]).toHaveLength(vocabSize);
  });

  it('answers a question of the model’s own domain', () => {
    const prompt = 'Tom has 3 keys and gets 5 more. How many keys now?';
    const { status, printed } = mergelab(
      ...['generate', join(zoo, 'math'), '--prompt', prompt, '--json'],
    );
    expect(status).toBe(0);
    const { text } = JSON.parse(printed) as { text: string };
    expect(text).toContain('The answer is 8.');
  });
});

describe('mergelab eval', () => {
  it('scores a specialist in its own domain and runs code in Python', () => {
    const { status, printed, err } = mergelab(
      'eval',
      join(zoo, 'coding'),
      '--tasks',
      'coding,math',
      '--limit',
      '12',
      '--json',
    );
    expect(err).toBe('');
    expect(status).toBe(0);
    const report = JSON.parse(printed) as {
      scores: { domain: string; passedCount: number; itemCount: number }[];
    };
    const passed = Object.fromEntries(
      report.scores.map(({ domain, passedCount }) => [domain, passedCount]),
    );
    expect(report.scores.map(({ itemCount }) => itemCount)).toEqual([12, 12]);
    expect(passed['coding']).toBeGreaterThanOrEqual(9);
    expect(passed['math']).toBeLessThanOrEqual(6);
  });
});

describe('mergelab', () => {
  it.each([
    [['mrege'], 'error cli/usage: "mrege" is not a command. Use merge.'],
    [['generate'], 'error cli/usage: MODEL_DIR is missing.'],
    [['logits', 'x', '--tokens', '1,b'], 'error cli/usage: --tokens must be token ids'],
    [['logits', 'x', '--colour'], "error cli/usage: Unknown option '--colour'"],
    [['generate', '/nowhere', '--prompt', 'x'], 'error source/missing-file:'],
  ])('explains %j', (parameters, start) => {
    const { status, err } = mergelab(...parameters);
    expect(status).toBe(1);
    expect(err.startsWith(start)).toBe(true);
  });

  it('prints help', () => {
    expect(mergelab('--help').printed).toContain('usage: mergelab');
    expect(mergelab('merge', '--help').printed).toContain('--out DIR');
  });
});

/** A safetensors file without its header. */
function weightsOf(path: string): Uint8Array {
  const bytes = readFileSync(path);
  return bytes.subarray(8 + Number(bytes.readBigUInt64LE(0)));
}
