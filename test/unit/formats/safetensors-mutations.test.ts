import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LabError } from '../../../src/core/errors';
import { encodeSafetensors } from '../../../src/formats/safetensors-writer';
import { memoryFiles } from '../../../src/sources/memory-files';
import { openCheckpoint } from '../../../src/sources/open-checkpoint';

const file = encodeSafetensors([
  { name: 'a.weight', dtype: 'BF16', shape: [4, 3], bytes: new Uint8Array(24).fill(1) },
  { name: 'b.weight', dtype: 'F32', shape: [5], bytes: new Uint8Array(20).fill(2) },
  { name: 'c', dtype: 'I64', shape: [], bytes: new Uint8Array(8).fill(3) },
]);

/** Opens a checkpoint and reads all of it; the outcome is its bytes or the code of its error. */
async function outcomeOf(bytes: Uint8Array): Promise<number | string> {
  try {
    const checkpoint = await openCheckpoint(
      memoryFiles('m', new Map([['model.safetensors', bytes]])),
    );
    let totalBytes = 0;
    for (const [name, info] of checkpoint.tensors) {
      const read = await checkpoint.read(name);
      expect(read.byteLength).toBe(info.sizeBytes);
      totalBytes += read.byteLength;
    }
    return totalBytes;
  } catch (error) {
    if (error instanceof LabError) return error.code;
    throw error;
  }
}

const formatCode = /^format\/(bad-header|bad-dtype|bad-offset|truncated|too-large)$/;

describe('a damaged safetensors file', () => {
  it('opens, or fails with a code of the format, after any changed bytes', async () => {
    const change = fc.record({
      at: fc.nat({ max: file.byteLength - 1 }),
      to: fc.oneof(
        fc.nat({ max: 255 }),
        fc.constantFrom(...'{}[]",:0919eE-.\\'.split('').map((c) => c.charCodeAt(0))),
      ),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), async (changes) => {
        const damaged = file.slice();
        for (const { at, to } of changes) damaged[at] = to;
        const outcome = await outcomeOf(damaged);
        if (typeof outcome === 'string') expect(outcome).toMatch(formatCode);
        else expect(outcome).toBeLessThanOrEqual(file.byteLength);
      }),
      { numRuns: 2000, seed: 1 },
    );
  });

  it('fails after any cut, and after any extra byte', async () => {
    for (let sizeBytes = 0; sizeBytes < file.byteLength; sizeBytes++) {
      expect(await outcomeOf(file.subarray(0, sizeBytes))).toMatch(formatCode);
    }
    const longer = new Uint8Array(file.byteLength + 1);
    longer.set(file);
    expect(await outcomeOf(longer)).toBe('format/bad-offset');
    expect(await outcomeOf(file)).toBe(52);
  });

  it('fails on random bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        expect(await outcomeOf(bytes)).toMatch(formatCode);
      }),
      { numRuns: 500, seed: 2 },
    );
  });
});
