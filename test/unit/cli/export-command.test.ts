import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadFolder } from '../../../src/cli/open-model';
import { loadNodeRuntime } from '../../../src/model/ort-node';
import { loadTransformers } from '../../../src/model/transformers-runtime';

const folder = mkdtempSync(join(tmpdir(), 'mergelab-export-'));
const model = 'public/zoo/math';
const tokens = [1, 60, 200, 17, 333, 90, 45, 8];

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function mergelab(...parameters: string[]): { status: number; printed: string; err: string } {
  const result = spawnSync(process.execPath, ['src/cli/bin.mjs', ...parameters], {
    encoding: 'utf8',
  });
  return { status: result.status ?? -1, printed: result.stdout, err: result.stderr };
}

function worstOf(left: ArrayLike<number>, right: ArrayLike<number>): number {
  expect(left.length).toBe(right.length);
  return Array.from(left).reduce(
    (most, value, index) => Math.max(most, Math.abs(value - (right[index] ?? NaN))),
    0,
  );
}

describe.each([
  ['fp32', 'model.onnx', 1e-4],
  // Against fp32: eleven bits of every product's inputs through four layers.
  ['fp16', 'model_fp16.onnx', 0.1],
  ['q8', 'model_quantized.onnx', 1e-4],
  ['q4', 'model_q4.onnx', 1e-4],
] as const)('mergelab export --dtype %s', (dtype, fileName, tolerance) => {
  it('writes a folder that transformers.js loads as it is', async () => {
    const out = join(folder, 'lab', dtype);
    const { status, printed, err } = mergelab(
      ...['export', model, '--out', out, '--dtype', dtype, '--json'],
    );
    expect({ status, err }).toEqual({ status: 0, err: '' });
    expect(
      (JSON.parse(printed) as { files: { path: string }[] }).files.map(({ path }) => path),
    ).toEqual(expect.arrayContaining(['config.json', 'tokenizer.json', `onnx/${fileName}`]));
    expect(readdirSync(join(out, 'onnx')).sort()).toEqual([fileName, `${fileName}_data`]);

    const { AutoModelForCausalLM, Tensor, env } = await loadTransformers(loadNodeRuntime(1));
    env.allowRemoteModels = false;
    env.allowLocalModels = true;
    env.localModelPath = folder;
    const loaded = await AutoModelForCausalLM.from_pretrained(`lab/${dtype}`, {
      dtype,
      device: 'auto',
      // In Node the library would name the data file to a native runtime, which is not installed.
      use_external_data_format: false,
      session_options: {
        executionProviders: ['wasm'],
        externalData: [
          { path: `${fileName}_data`, data: readFileSync(join(out, 'onnx', `${fileName}_data`)) },
        ],
      },
    });
    const ids = BigInt64Array.from(tokens, BigInt);
    const output: unknown = await loaded({
      input_ids: new Tensor('int64', ids, [1, ids.length]),
      attention_mask: new Tensor(
        'int64',
        ids.map(() => 1n),
        [1, ids.length],
      ),
    });
    const found = (output as { logits: { data: Float32Array } }).logits.data;
    const own = await loadFolder(model, dtype === 'fp16' ? 'fp32' : dtype);
    expect(worstOf(await own.logits(tokens), found)).toBeLessThan(tolerance);
    await own.dispose();
    await loaded.dispose();
    const again = await loadFolder(out);
    expect(again.facts.dtype).toBe(dtype);
    expect(worstOf(await again.logits(tokens), found)).toBeLessThan(tolerance);
    await again.dispose();
    const other = dtype === 'q8' ? 'q4' : 'q8';
    await expect(loadFolder(out, other)).rejects.toMatchObject({ code: 'cli/usage' });
  });
});

describe('mergelab export', () => {
  it('leaves a folder with other files alone, and nothing behind when it fails', () => {
    const taken = mergelab('export', model, '--out', 'public', '--dtype', 'q4');
    expect(taken.status).toBe(1);
    expect(taken.err).toMatch(/^error cli\/usage: /);
    const out = join(folder, 'none');
    const failed = mergelab('export', 'public/zoo/items', '--out', out, '--dtype', 'q4');
    expect(failed.status).toBe(1);
    expect(failed.err).toMatch(/^error [a-z-]+\/[a-z-]+: /);
    expect(existsSync(out)).toBe(false);
  });
});
