import { describe, expect, it } from 'vitest';
import { checkRepoId } from '../../../src/sources/hub/addresses';
import { presetFamilies } from '../../../src/sources/presets';

/** Elements of a decoder with gated feed-forward and a tied head, counted from its configuration. */
function elementCount(of: {
  readonly vocabulary: number;
  readonly hidden: number;
  readonly feedForward: number;
  readonly layers: number;
  readonly queries: number;
  readonly keys: number;
  readonly norms: number;
  readonly hasBias?: boolean;
}): number {
  const { vocabulary, hidden, feedForward, layers, queries, keys, norms, hasBias = false } = of;
  const attention = 2 * hidden * queries + 2 * hidden * keys + (hasBias ? queries + 2 * keys : 0);
  const layer = attention + 3 * hidden * feedForward + norms * hidden;
  return vocabulary * hidden + layers * layer + hidden;
}

const llama = { norms: 2 };
const qwen = { norms: 2, hasBias: true };
const expectedCounts: Readonly<Record<string, number>> = {
  'google/gemma-2-2b': elementCount({
    vocabulary: 256_000,
    hidden: 2304,
    feedForward: 9216,
    layers: 26,
    queries: 2048,
    keys: 1024,
    norms: 4,
  }),
  'meta-llama/Llama-3.2-3B': elementCount({
    ...llama,
    vocabulary: 128_256,
    hidden: 3072,
    feedForward: 8192,
    layers: 28,
    queries: 3072,
    keys: 1024,
  }),
  'HuggingFaceTB/SmolLM2-135M': elementCount({
    ...llama,
    vocabulary: 49_152,
    hidden: 576,
    feedForward: 1536,
    layers: 30,
    queries: 576,
    keys: 192,
  }),
  'HuggingFaceTB/SmolLM2-360M': elementCount({
    ...llama,
    vocabulary: 49_152,
    hidden: 960,
    feedForward: 2560,
    layers: 32,
    queries: 960,
    keys: 320,
  }),
  'HuggingFaceTB/SmolLM2-1.7B': elementCount({
    ...llama,
    vocabulary: 49_152,
    hidden: 2048,
    feedForward: 8192,
    layers: 24,
    queries: 2048,
    keys: 2048,
  }),
  'Qwen/Qwen2.5-0.5B': elementCount({
    ...qwen,
    vocabulary: 151_936,
    hidden: 896,
    feedForward: 4864,
    layers: 24,
    queries: 896,
    keys: 128,
  }),
  'Qwen/Qwen2.5-1.5B': elementCount({
    ...qwen,
    vocabulary: 151_936,
    hidden: 1536,
    feedForward: 8960,
    layers: 28,
    queries: 1536,
    keys: 256,
  }),
};

describe('presetFamilies', () => {
  it('counts the parameters that the configurations give', () => {
    const bases = presetFamilies
      .map(({ base }) => base)
      .filter(({ repo }) => repo in expectedCounts);
    expect(bases).toHaveLength(Object.keys(expectedCounts).length);
    for (const { repo, parameterCount } of bases) {
      expect([repo, parameterCount]).toEqual([repo, expectedCounts[repo]]);
    }
  });

  it('names every model once, by a name that the Hub can have, with its size', () => {
    const models = presetFamilies.flatMap(({ base, specialists }) => [base, ...specialists]);
    expect(new Set(models.map(({ repo }) => repo)).size).toBe(models.length);
    for (const { repo, weightBytes, parameterCount } of models) {
      expect(checkRepoId(repo)).toBe(repo);
      expect(weightBytes).toBeGreaterThanOrEqual(2 * parameterCount);
    }
  });

  it("reads MergeBench's names as its repository forms them", () => {
    const family = presetFamilies.find(({ id }) => id === 'llama-3.2-3b-instruct');
    expect(family?.specialists.map(({ repo }) => repo)).toContain(
      'MergeBench/Llama-3.2-3B-Instruct_math',
    );
    expect(presetFamilies.find(({ id }) => id === 'gemma-2-2b')?.specialists).toHaveLength(5);
  });
});
