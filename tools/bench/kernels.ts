import { Random } from '../../src/core/random';
import { hashText32 } from '../../src/core/random';
import type { LoadedSlice, MergeBackend, SliceInputs } from '../../src/expr/backend';
import { OracleBackend } from '../../src/expr/oracle-backend';
import { findAdapter, releaseEntryPoints } from '../../src/gpu/adapter';
import { GpuBackend } from '../../src/gpu/gpu-backend';
import { mergeTensor } from '../../src/methods/merge-tensor';
import { numbersFor } from '../../src/methods/parameters';
import { PassMemory } from '../../src/methods/pass-memory';
import { defineMethod, findMethod } from '../../src/methods/registry';
import { coreCount } from '../../src/wasm/spawn-lane';
import { WasmBackend } from '../../src/wasm/wasm-backend';
import { median, report } from './report';

// Merge throughput of every back end on weights shaped like the zoo: a base and five specialists of
// 2.4 million parameters in bf16, loaded beforehand, merged tensor by tensor into bf16.

const specialistCount = 5;
const width = 192;
const hidden = 512;
const layer = [1, 0.5, 0.5, 1].map((share) => share * width * width);
const mlp = [hidden * width, hidden * width, hidden * width, width, width];
const shapes = [2048 * width, width, ...Array.from({ length: 5 }, () => [...layer, ...mlp]).flat()];

const random = new Random(1);
/** bf16 numbers of about 0.05, with the few bits of a real checkpoint. */
function weights(count: number, spread: number, around?: Uint16Array): Uint16Array {
  const words = new Uint16Array(count);
  const word = new Uint32Array(1);
  const float = new Float32Array(word.buffer);
  for (let i = 0; i < count; i++) {
    word[0] = (around?.[i] ?? 0) << 16;
    const origin = around === undefined ? 0 : (float[0] ?? 0);
    float[0] = origin + (random.next01() + random.next01() - 1) * spread;
    words[i] = (word[0] + 0x8000) >>> 16;
  }
  return words;
}

const tensors: SliceInputs[] = shapes.map((elementCount, index) => {
  const origin = weights(elementCount, 0.1);
  const model = (words: Uint16Array): { dtype: 'BF16'; bytes: Uint8Array } => ({
    dtype: 'BF16',
    bytes: new Uint8Array(words.buffer),
  });
  return {
    tensorName: `tensor.${index}`,
    tensorKey: hashText32(`tensor.${index}`),
    firstElement: 0,
    elementCount,
    base: model(origin),
    specialists: Array.from({ length: specialistCount }, () =>
      model(weights(elementCount, 0.01, origin)),
    ),
  };
});

const rounds = 7;

/** Median time after two rounds of warming up. */
async function timeOf(work: () => unknown): Promise<number> {
  const times: number[] = [];
  for (let round = -2; round < rounds; round++) {
    const start = performance.now();
    await work();
    if (round >= 0) times.push(performance.now() - start);
  }
  return median(times);
}

function bytesRead(list: readonly SliceInputs[]): number {
  return list.reduce((sum, { elementCount }) => sum + elementCount * 2 * (specialistCount + 1), 0);
}

/** Copies every input once: what merely touching the data costs. */
async function copyMs(list: readonly SliceInputs[]): Promise<number> {
  const target = new Uint8Array(bytesRead(list));
  return timeOf(() => {
    let offset = 0;
    for (const { base, specialists } of list) {
      for (const model of [base, ...specialists]) {
        if (model === undefined) continue;
        target.set(model.bytes, offset);
        offset += model.bytes.length;
      }
    }
  });
}

/** Task arithmetic as one would write it by hand, without a library. */
async function plainMs(list: readonly SliceInputs[]): Promise<number> {
  const wordsOf = ({ bytes }: { bytes: Uint8Array }): Uint16Array => new Uint16Array(bytes.buffer);
  const word = new Uint32Array(1);
  const float = new Float32Array(word.buffer);
  const widen = (bits: number): number => {
    word[0] = bits << 16;
    return float[0] as number;
  };
  return timeOf(() => {
    for (const { base, specialists, elementCount } of list) {
      if (base === undefined) continue;
      const origin = wordsOf(base);
      const models = specialists.map(wordsOf);
      const merged = new Uint16Array(elementCount);
      for (let i = 0; i < elementCount; i++) {
        const b = widen(origin[i] as number);
        let sum = 0;
        for (const model of models) sum += 0.4 * (widen(model[i] as number) - b);
        float[0] = b + sum;
        const bits = word[0] as number;
        merged[i] = (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
      }
    }
  });
}

async function loadAll(
  backend: MergeBackend,
  list: readonly SliceInputs[],
): Promise<readonly LoadedSlice[]> {
  return Promise.all(list.map((inputs) => backend.load(inputs)));
}

async function mergeAll(
  backend: MergeBackend,
  slices: readonly LoadedSlice[],
  id: string,
  memory?: PassMemory,
): Promise<void> {
  const method = findMethod(id);
  const perModel = {
    weight: Array.from({ length: specialistCount }, () => 0.4),
    density: Array.from({ length: specialistCount }, () => 0.3),
  };
  const numbers = numbersFor(method, specialistCount, { perModel });
  for (const slice of slices) {
    const task = {
      name: slice.tensorName,
      elementCount: slice.elementCount,
      shape: [slice.elementCount],
      specialistCount,
      numbers,
      sliceCount: 1,
      openSlice: () => Promise.resolve(slice),
      closeSlice: () => undefined,
    };
    await mergeTensor(backend, defineMethod(method), task, 'BF16', () => undefined, {
      seed: 1,
      memory,
    });
  }
}

async function measure(
  backend: MergeBackend,
  list: readonly SliceInputs[],
  ids: readonly string[],
): Promise<void> {
  const slices = await loadAll(backend, list);
  const elementCount = list.reduce((sum, inputs) => sum + inputs.elementCount, 0);
  const copy = await copyMs(list);
  const plain = await plainMs(list);
  const facts = {
    backend: backend.id,
    device: backend.device,
    elementCount,
    byteCount: bytesRead(list) + 2 * elementCount,
  };
  for (const id of ids) {
    const elapsedMs = await timeOf(() => mergeAll(backend, slices, id));
    report({ name: `merge ${id}`, ...facts, elapsedMs, baseline: 'memory copy', baselineMs: copy });
    if (id === 'task_arithmetic') {
      const baseline = 'plain JavaScript';
      report({ name: `merge ${id}`, ...facts, elapsedMs, baseline, baselineMs: plain });
    }
    if (id !== 'ties') continue;
    // A weight slider moves: thresholds and sums are known from the merge before.
    const memory = new PassMemory();
    const again = await timeOf(() => mergeAll(backend, slices, id, memory));
    const name = `merge ${id}, thresholds known`;
    report({ name, ...facts, elapsedMs: again, baseline: 'memory copy', baselineMs: copy });
  }
  for (const slice of slices) backend.release(slice);
  backend.dispose();
}

const everyMethod = ['task_arithmetic', 'ties', 'dare_linear'];
for (const threadCount of new Set([1, Math.min(2, coreCount()), Math.min(8, coreCount())])) {
  await measure(new WasmBackend({ threadCount }), tensors, everyMethod);
}
const found = await findAdapter();
if (found !== undefined) await measure(await GpuBackend.create(found), tensors, everyMethod);
releaseEntryPoints();
// The interpreter is a hundred times slower; a part of the model tells as much.
await measure(new OracleBackend(), tensors.slice(2, 4), ['task_arithmetic']);
