import { describe, expect, it } from 'vitest';
import { planMerge } from '../../../src/engine/plan';
import { sliceElementsOn } from '../../../src/engine/tensor-slices';
import { croppedSource, readSource, type FloatSource } from '../../../src/engine/tensor-source';
import { memoryFiles } from '../../../src/sources/memory-files';
import { CountingBackend, tinyModel, tinyRecipe } from './tiny-models';

/** A matrix of 5 rows and 4 columns of halves whose bytes count up. */
function countingSource(): { readonly source: FloatSource; readonly ranges: number[][] } {
  const ranges: number[][] = [];
  const info = { name: 'w', dtype: 'BF16', shape: [5, 4], sizeBytes: 40 } as const;
  const read: FloatSource['model']['checkpoint']['read'] = async (_name, range) => {
    const { offsetBytes, lengthBytes } = range ?? { offsetBytes: 0, lengthBytes: 40 };
    ranges.push([offsetBytes, lengthBytes]);
    return Promise.resolve(Uint8Array.from({ length: lengthBytes }, (_, i) => offsetBytes + i));
  };
  const checkpoint = { label: 'm', tensors: new Map([['w', info]]), read };
  const model = { id: 'm', files: memoryFiles('m', new Map()), checkpoint };
  return { source: { ...info, model }, ranges };
}

describe('readSource', () => {
  it('reads a source as it is, and the first rows of one, by the same range', async () => {
    const { source, ranges } = countingSource();
    const range = { offsetBytes: 6, lengthBytes: 10 };
    expect([...(await readSource(source, range))][0]).toBe(6);
    const rows = croppedSource(source, [3, 4]);
    expect(rows).toMatchObject({ shape: [3, 4], sizeBytes: 24, storedShape: [5, 4] });
    await readSource(rows, range);
    expect(ranges).toEqual([
      [6, 10],
      [6, 10],
    ]);
  });

  it('takes any part of a block with fewer columns out of whole rows', async () => {
    const { source } = countingSource();
    const block = croppedSource(source, [4, 3]);
    // Rows of 6 bytes out of rows of 8.
    const whole = [0, 1, 2, 3].flatMap((row) => [0, 1, 2, 3, 4, 5].map((byte) => 8 * row + byte));
    for (let begin = 0; begin <= 24; begin += 2) {
      for (let end = begin; end <= 24; end += 2) {
        const range = { offsetBytes: begin, lengthBytes: end - begin };
        expect([...(await readSource(block, range))]).toEqual(whole.slice(begin, end));
      }
    }
  });
});

describe('sliceElementsOn', () => {
  it('says when a back end cannot take rows that must lie in one piece', async () => {
    const tensors = { 'w.weight': { dtype: 'BF16', shape: [60, 16385] } } as const;
    const models = [await tinyModel('base', { tensors }), await tinyModel('a', { tensors })];
    const inputs = new Map(models.map((model) => [model.id, model]));
    const plan = await planMerge(
      tinyRecipe('della', { a: 1 }, { parameters: { density: 0.5 } }),
      inputs,
    );
    const [tensor] = plan.tensors;
    if (tensor?.kind !== 'merge') throw new Error('the matrix is merged');
    expect(sliceElementsOn(new CountingBackend(1 << 24), tensor)).toBeGreaterThanOrEqual(
      60 * 16385,
    );
    expect(() => sliceElementsOn(new CountingBackend(1 << 20), tensor)).toThrow(
      expect.objectContaining({ code: 'engine/unsupported' }) as Error,
    );
  });
});
