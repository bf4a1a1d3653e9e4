// Every method on every back end: merges one decoder layer with the shapes of a 135 M and of a 1 B
// Llama, a base and five specialists in bf16, loaded beforehand, tensor by tensor into bf16. The
// baseline is a copy of the same bytes on the same device.
import { elementCountOf } from '../../src/core/dtype';
import { hashText32 } from '../../src/core/random';
import type { LoadedSlice, MergeBackend, SliceInputs } from '../../src/expr/backend';
import { OracleBackend } from '../../src/expr/oracle-backend';
import { findAdapter, releaseEntryPoints } from '../../src/gpu/adapter';
import { GpuBackend } from '../../src/gpu/gpu-backend';
import { GpuDevice } from '../../src/gpu/device';
import { mergeTensor } from '../../src/methods/merge-tensor';
import type { MergeMethod } from '../../src/methods/method';
import { numbersFor } from '../../src/methods/parameters';
import { defineMethod, methods } from '../../src/methods/registry';
import { WasmBackend } from '../../src/wasm/wasm-backend';
import { drawWeights } from '../synth/draw-weights';
import type { ModelSize, TensorShape } from '../synth/model-shapes';
import { modelShapes, tensorsOf } from '../synth/model-shapes';
import { isAsked } from './asked';
import { gpuCopyMs } from './gpu-copy';
import { copyMs } from './memory-copy';
import { median, report } from './report';

const modelCount = 6;
/** Beyond it one round is enough, and singular vectors on the host would take too long. */
const manyElements = 16 << 20;

interface DrawnTensor extends TensorShape {
  readonly models: readonly Uint8Array[];
}

async function drawLayer(size: ModelSize): Promise<DrawnTensor[]> {
  const layer = tensorsOf(modelShapes[size]).filter(({ name }) => name.includes('.layers.0.'));
  const backend = new WasmBackend();
  const drawn: DrawnTensor[] = [];
  for (const { name, shape } of layer) {
    const place = {
      tensorName: name,
      isVector: shape.length === 1,
      firstElement: 0,
      elementCount: elementCountOf(shape),
    };
    const models: Uint8Array[] = [];
    for await (const bytes of drawWeights(backend, place, modelCount, 1)) models.push(bytes);
    drawn.push({ name, shape, models });
  }
  backend.dispose();
  return drawn;
}

/** The models as the method takes them: with a base or without, and not more than it allows. */
function inputsFor(method: MergeMethod, { name, shape, models }: DrawnTensor): SliceInputs {
  const hasBase = method.base === 'required';
  const inputs = models.map((bytes) => ({ dtype: 'BF16' as const, bytes }));
  const [first, ...others] = inputs;
  const specialists = hasBase ? others : inputs;
  return {
    tensorName: name,
    tensorKey: hashText32(name),
    firstElement: 0,
    elementCount: elementCountOf(shape),
    ...(hasBase ? { base: first } : {}),
    specialists: specialists.slice(0, method.specialistCount.max),
  };
}

function modelCountOf({ base, specialists }: SliceInputs): number {
  return specialists.length + (base === undefined ? 0 : 1);
}

async function mergeLoaded(
  backend: MergeBackend,
  method: MergeMethod,
  tensor: DrawnTensor,
  slice: LoadedSlice,
): Promise<void> {
  const { specialistCount } = slice;
  const fill = (value: number): number[] => Array.from({ length: specialistCount }, () => value);
  const given = { perModel: { weight: fill(0.4), density: fill(0.2), epsilon: fill(0.1) } };
  const role = tensor.shape.length === 2 ? 'matrix' : 'other';
  const inputs = { specialistCount, hasBase: method.base === 'required' };
  const task = {
    name: tensor.name,
    elementCount: slice.elementCount,
    shape: tensor.shape,
    layer: { index: 0, count: 1 },
    role,
    specialistCount,
    numbers: numbersFor(method, specialistCount, given),
    sliceCount: 1,
    openSlice: () => Promise.resolve(slice),
    closeSlice: () => undefined,
  } as const;
  const definition = defineMethod(method, {}, inputs, role);
  await mergeTensor(backend, definition, task, 'BF16', () => undefined, { seed: 1 });
}

async function measure(
  size: string,
  backend: MergeBackend,
  method: MergeMethod,
  layer: readonly DrawnTensor[],
  copyOf: (byteCount: number) => number | Promise<number>,
): Promise<void> {
  let elapsedMs = 0;
  let elementCount = 0;
  let byteCount = 0;
  for (const tensor of layer) {
    const inputs = inputsFor(method, tensor);
    const rounds = backend.id === 'oracle' || inputs.elementCount > manyElements ? 1 : 3;
    const times: number[] = [];
    for (let round = rounds === 1 ? 0 : -1; round < rounds; round++) {
      // Loaded anew, because computed columns stay with a slice.
      const slice = await backend.load(inputs);
      const startMs = performance.now();
      await mergeLoaded(backend, method, tensor, slice);
      if (round >= 0) times.push(performance.now() - startMs);
      backend.release(slice);
    }
    elapsedMs += median(times);
    elementCount += inputs.elementCount;
    byteCount += 2 * inputs.elementCount * (modelCountOf(inputs) + 1);
  }
  const baselineMs = await copyOf(byteCount);
  report({
    name: `layer ${size} ${method.id}`,
    backend: backend.id,
    device: backend.device,
    elementCount,
    byteCount,
    elapsedMs,
    baseline: 'memory copy',
    baselineMs,
  });
}

for (const size of ['135m', '1b'] as const) {
  if (!isAsked('SIZES', size)) continue;
  const layer = await drawLayer(size);
  const isLarge = size === '1b';
  const timely = methods.filter(
    ({ id, family }) => (!isLarge || family !== 'spectral') && isAsked('METHODS', id),
  );
  const wasm = new WasmBackend();
  for (const method of timely) await measure(size, wasm, method, layer, copyMs);
  wasm.dispose();

  const found = await findAdapter();
  if (found === undefined) {
    console.error('No WebGPU adapter here: its kernels are not measured.');
  } else {
    const gpu = await GpuBackend.create(found);
    const again = await findAdapter();
    const device = again && (await GpuDevice.request(again));
    const copy = device === undefined ? copyMs : (bytes: number) => gpuCopyMs(device, bytes);
    for (const method of timely) await measure(size, gpu, method, layer, copy);
    device?.dispose();
    gpu.dispose();
    releaseEntryPoints();
  }
  // The interpreter is a hundred times slower; the small matrices tell as much.
  if (isLarge) continue;
  const part = layer.filter(({ name }) => name.includes('k_proj'));
  const oracle = new OracleBackend();
  for (const method of timely) await measure('135m k_proj', oracle, method, part, copyMs);
}
