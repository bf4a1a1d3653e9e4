import { describe, expect, it } from 'vitest';
import { base, f32, mul } from '../../../src/expr/build';
import { compileMap } from '../../../src/expr/wasm-kernel';
import { createLane, jobWords } from '../../../src/wasm/lane';
import { WasmMemory } from '../../../src/wasm/memory';
import { spawnLane } from '../../../src/wasm/spawn-lane';

/** A job of `chunkCount` chunks of eight floats each, doubled, posted but not begun. */
function postJob(chunkCount: number): {
  start: Parameters<typeof createLane>[0];
  words: Int32Array;
  result: () => number[];
} {
  const memory = WasmMemory.create(64 * 2 ** 20, true);
  const kernel = compileMap(
    mul(base, f32(2)),
    'F32',
    { hasBase: true, dtypes: ['F32'] },
    { isShared: true, maximumPages: memory.maximumPages },
  );
  const elementCount = 8 * chunkCount;
  const [input, out, block] = [4 * elementCount, 4 * elementCount, 64].map((size) =>
    memory.allocate(size),
  ) as [number, number, number];
  new Float32Array(memory.memory.buffer, input, elementCount).forEach((_, i, all) => {
    all[i] = i;
  });
  new Uint32Array(memory.memory.buffer, block, 1)[0] = input;
  const control = new SharedArrayBuffer(128);
  const code = new SharedArrayBuffer(kernel.bytes.length);
  new Uint8Array(code).set(kernel.bytes);
  const words = new Int32Array(control);
  const job = { chunkCount, codeLength: kernel.bytes.length, block, out, elementCount };
  for (const [word, value] of Object.entries({ ...job, chunkElements: 8 })) {
    words[jobWords[word as keyof typeof jobWords]] = value;
  }
  words[jobWords.ticket] = 1 << 20;
  return {
    start: { control, code, memory: memory.memory, lane: 1 },
    words,
    result: () => [...new Float32Array(memory.memory.buffer, out, elementCount)],
  };
}

const doubled = (count: number): number[] => Array.from({ length: count }, (_, i) => 2 * i);

describe('a lane', () => {
  it('in a thread of its own carries out a whole job', async () => {
    const { start, words, result } = postJob(25);
    const end = spawnLane(start);
    Atomics.store(words, jobWords.sequence, 1);
    Atomics.notify(words, jobWords.sequence);
    await expect.poll(() => Atomics.load(words, jobWords.completed), { timeout: 20_000 }).toBe(25);
    expect(result()).toEqual(doubled(200));
    end();
  });

  it('takes nothing of a job that is not its own, or is finished', () => {
    const { start, words, result } = postJob(3);
    const lane = createLane(start);
    lane.runChunks(2);
    expect(words[jobWords.completed]).toBe(0);
    lane.runChunks(1);
    lane.runChunks(1);
    expect(words[jobWords.completed]).toBe(3);
    expect(result()).toEqual(doubled(24));
  });

  it('reports a kernel that fails, and still counts its chunks', () => {
    const { start, words } = postJob(3);
    new Uint8Array(start.code).fill(0);
    createLane(start).runChunks(1);
    expect(words[jobWords.failed]).toBe(1);
    expect(words[jobWords.completed]).toBe(3);
  });
});
