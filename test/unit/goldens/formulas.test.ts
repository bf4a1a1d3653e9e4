import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WasmBackend } from '../../../src/wasm/wasm-backend';
import { compareTensors } from './compare-tensors';
import { goldenModels, readGoldens, readOutputs } from './golden-files';
import type { GoldenTensor } from './golden-merges';
import { mergeGolden } from './golden-merges';

const root = new URL('../../fixtures/formulas/', import.meta.url);
const models = new URL('../../fixtures/mergekit/models/', import.meta.url);
const goldens = readGoldens(root);
const backend = new WasmBackend();

let outputs: Map<string, Map<string, GoldenTensor>>;

beforeAll(async () => {
  outputs = await readOutputs(root);
});
afterAll(() => {
  backend.dispose();
});

/**
 * The goldens are float64 throughout. A sum of four float32 terms is within 2^-22 of its largest; the
 * spectral methods round the factors of a decomposition to float32 and are held to 2^-16.
 */
function limitOf(recipe: string): number {
  return /merge_method: (tsv|iso|wudi)/.test(recipe) ? 2 ** -16 : 2 ** -22;
}

describe('methods by the formulas of their papers', () => {
  it.each(goldens)('$id', async ({ id, recipe, models: folder }) => {
    const wanted = outputs.get(id) ?? new Map<string, GoldenTensor>();
    const inputs = await goldenModels(new URL(`${folder}/`, models));
    const found = await mergeGolden(recipe, inputs, backend);
    expect([...found.keys()].sort()).toEqual([...wanted.keys()].sort());
    const { largestRelative, worst } = compareTensors(found, wanted);
    expect(largestRelative, worst).toBeLessThanOrEqual(limitOf(recipe));
  });
});
