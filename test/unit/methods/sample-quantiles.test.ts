import { describe, expect, it } from 'vitest';
import { chunkElements } from '../../../src/expr/backend';
import { scalar, specialistAt } from '../../../src/expr/build';
import { OracleBackend } from '../../../src/expr/oracle-backend';
import { mergeTensor } from '../../../src/methods/merge-tensor';
import type { MergekitSamplePass, MethodDefinition } from '../../../src/methods/method';
import { MergekitStream } from '../../../src/methods/mergekit-stream';
import { randomValues } from './both-backends';
import { mergeOne, smallTensor, taskOf } from './merge-small';

const elementCount = 2 * chunkElements + 500;
const values = randomValues(elementCount, 3);
const tensor = smallTensor(undefined, [values], 'F32', 'w');

function sampling(sampleCount: number): MethodDefinition {
  const pass: MergekitSamplePass = {
    kind: 'mergekitSample',
    scope: 'tensor',
    of: specialistAt(0),
    sampleCount,
    draws: [{ median: 0.5 }, { lower: 0.25, upper: 0.75 }],
  };
  return { passes: [pass], output: scalar('upper') };
}

/** The scalar `upper`, found over three slices. */
async function upperOf(sampleCount: number, stream?: MergekitStream): Promise<number> {
  const backend = new OracleBackend();
  const task = taskOf(backend, tensor, { method: 'passthrough', sliceElements: chunkElements });
  let found = NaN;
  const emit = (bytes: Uint8Array): void => {
    found = new Float32Array(bytes.buffer)[0] ?? NaN;
  };
  const options = { seed: 9, mergekitDraws: stream };
  await mergeTensor(backend, sampling(sampleCount), task, 'F32', emit, options);
  return found;
}

function quantileOf(chosen: readonly number[], share: number): number {
  const sorted = chosen.map(Math.abs).toSorted((a, b) => a - b);
  return sorted[Math.trunc(share * (chosen.length - 1))] ?? NaN;
}

describe('quantiles as mergekit takes them', () => {
  it('are those of the drawn elements, a draw for each group', async () => {
    const outputsPerDraw = elementCount - 1;
    const stream = new MergekitStream(9, [
      { name: 'w', elementCount, drawCount: 2, outputsPerDraw },
    ]);
    const second = [...stream.permutationHead('w', 1, elementCount, 300)];
    const wanted = quantileOf(
      second.map((place) => values[place] ?? NaN),
      0.75,
    );
    expect(await upperOf(300, stream)).toBe(wanted);
    expect(wanted).not.toBe(quantileOf(values, 0.75));
  });

  it('are exact, without a draw, where the tensor is no larger than the sample', async () => {
    expect(await upperOf(elementCount)).toBe(quantileOf(values, 0.75));
  });

  it('give Arcee Fusion the same merge as its own quantiles on small tensors', async () => {
    const backend = new OracleBackend();
    const base = randomValues(600, 4);
    const change = randomValues(600, 5).map((value) => value ** 3);
    const other = base.map((value, i) => Math.fround(value + (change[i] ?? 0)));
    const models = { ...smallTensor(base, [other]), shape: [20, 30] };
    const found = await mergeOne(backend, models, {
      method: 'arcee_fusion',
      mergekitDraws: new MergekitStream(1, []),
    });
    expect(found).toEqual(await mergeOne(backend, models, { method: 'arcee_fusion' }));
    expect(found).not.toEqual(base);
  });
});
