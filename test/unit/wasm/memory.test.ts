import { describe, expect, it } from 'vitest';
import { invariant, LabError } from '../../../src/core/errors';
import { Random } from '../../../src/core/random';
import { add, base as baseWeight, specialistAt, sub } from '../../../src/expr/build';
import { WasmBackend } from '../../../src/wasm/wasm-backend';
import { WasmMemory } from '../../../src/wasm/memory';
import { differences, noValues, randomSlice } from '../expr/slices';

const mib = 2 ** 20;

describe('the memory of kernels', () => {
  it('never hands out overlapping regions, and joins what is freed', () => {
    const memory = WasmMemory.create(64 * mib, false);
    const random = new Random(5);
    const live = new Map<number, number>();
    for (let step = 0; step < 3000; step++) {
      if (live.size > 0 && random.chance(0.5)) {
        const address = random.pick([...live.keys()]);
        live.delete(address);
        memory.free(address);
        continue;
      }
      const size = random.integer(0, 200_000);
      const address = memory.allocate(size);
      expect(address % 64).toBe(0);
      expect(address + size).toBeLessThanOrEqual(memory.bytes.length);
      for (const [other, otherSize] of live) {
        expect(address + size <= other || other + otherSize <= address).toBe(true);
      }
      live.set(address, size);
      if (live.size > 60) {
        for (const each of live.keys()) memory.free(each);
        live.clear();
      }
    }
    for (const address of live.keys()) memory.free(address);
    expect(memory.usedBytes).toBe(0);
    // Joined again: all of it can be had in one piece.
    const grownBytes = memory.bytes.length;
    memory.allocate(grownBytes - 64);
    expect(memory.bytes.length).toBe(grownBytes);
  });

  it('stops at its cap with one clear sentence, and goes on after a release', () => {
    const memory = WasmMemory.create(64 * mib, false);
    const first = memory.allocate(40 * mib);
    expect(() => memory.allocate(40 * mib)).toThrow(LabError);
    expect(() => memory.allocate(40 * mib)).toThrow(/40 MiB more memory.*at most 64 MiB/);
    memory.free(first);
    expect(() => memory.allocate(60 * mib)).not.toThrow();
  });

  it('stays bounded over a long stream of slices', async () => {
    const backend = new WasmBackend({ threadCount: 1, memoryBytes: 64 * mib });
    const inputs = randomSlice({ elementCount: 500_000, dtypes: ['BF16', 'F32', 'F32'] });
    for (let round = 0; round < 30; round++) {
      const slice = await backend.load(inputs);
      backend.release(slice);
      backend.release(slice);
      // A release takes effect in turn, after the calls before it.
      await Promise.resolve();
    }
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(backend.usedBytes).toBe(0);
    backend.dispose();
  });

  it('lends room that a load takes over without a copy, or takes it back', async () => {
    const backend = new WasmBackend({ threadCount: 2 });
    const { lend } = backend;
    invariant(lend, 'shared memory can be lent');
    const inputs = randomSlice({ elementCount: 1000, dtypes: ['F32', 'F32'] });
    const [base, unused] = [lend(4000), lend(4000)];
    const usedBytes = backend.usedBytes;
    base.set(inputs.base?.bytes ?? []);
    // Twice the same room, as for a model that stands in two places, and another kept by the caller.
    const slice = await backend.load({
      ...inputs,
      base: { dtype: 'F32', bytes: base },
      specialists: [{ dtype: 'F32', bytes: base }, ...inputs.specialists],
    });
    expect(backend.usedBytes - usedBytes).toBeLessThan(3 * 4096);
    const output = add(sub(specialistAt(0), baseWeight), specialistAt(1));
    const found = await backend.map(slice, output, noValues, 'F32');
    expect(differences(found, inputs.specialists[0]?.bytes ?? found, 'F32')).toEqual([]);
    backend.release(slice);
    backend.takeBack(unused);
    backend.takeBack(unused);
    backend.takeBack(new Uint8Array(8));
    await expect.poll(() => backend.usedBytes).toBe(0);
    backend.dispose();
  });

  it('frees what a failed load had taken', async () => {
    const backend = new WasmBackend({ threadCount: 1, memoryBytes: 64 * mib });
    const inputs = randomSlice({ elementCount: 3_900_000, dtypes: ['F32'], hasBase: false });
    const held = [];
    let failure: unknown;
    for (let i = 0; i < 6; i++) {
      try {
        held.push(await backend.load(inputs));
      } catch (error) {
        failure = error;
      }
    }
    expect(failure).toMatchObject({ code: 'wasm/out-of-memory' });
    expect(held.length).toBeGreaterThanOrEqual(3);
    for (const slice of held) backend.release(slice);
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(backend.usedBytes).toBe(0);
    backend.dispose();
  });
});
