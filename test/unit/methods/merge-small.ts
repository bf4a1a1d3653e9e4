import type { FloatDtype } from '../../../src/core/dtype';
import { hashText32 } from '../../../src/core/random';
import type { MergeBackend, ModelBytes } from '../../../src/expr/backend';
import { chunkElements } from '../../../src/expr/backend';
import type { Measured } from '../../../src/methods/merge-tensor';
import { measureModel, mergeTensor } from '../../../src/methods/merge-tensor';
import { needsWholeModel } from '../../../src/methods/needs-whole-model';
import type {
  LayerPlace,
  MethodDefinition,
  MethodNumbers,
  MethodOptions,
  TensorRole,
} from '../../../src/methods/method';
import { numbersFor } from '../../../src/methods/parameters';
import type { PassMemory } from '../../../src/methods/pass-memory';
import { defineMethod, findMethod } from '../../../src/methods/registry';
import type { MergekitDraws, TensorTask } from '../../../src/methods/tensor-task';
import { bytesOf } from '../expr/slices';

/** One tensor of every model. */
export interface SmallTensor {
  readonly name: string;
  readonly base?: ModelBytes | undefined;
  readonly specialists: readonly ModelBytes[];
  readonly elementCount: number;
  /** Default one dimension. */
  readonly shape?: readonly number[];
  readonly layer?: LayerPlace;
  /** Default `other`. */
  readonly role?: TensorRole;
}

export interface SmallMerge {
  readonly method: string;
  readonly options?: MethodOptions;
  readonly numbers?: Partial<MethodNumbers>;
  readonly outDtype?: FloatDtype;
  readonly seed?: number;
  /** A multiple of `chunkElements`; default the whole tensor. */
  readonly sliceElements?: number;
  readonly memory?: PassMemory;
  readonly signal?: AbortSignal;
  /** When given, masks are mergekit's. */
  readonly mergekitDraws?: MergekitDraws;
}

/** A tensor from plain numbers. */
export function smallTensor(
  base: readonly number[] | undefined,
  specialists: readonly (readonly number[])[],
  dtype: FloatDtype = 'F32',
  name = 'layer.weight',
): SmallTensor {
  return {
    name,
    base: base && bytesOf(base, dtype),
    specialists: specialists.map((values) => bytesOf(values, dtype)),
    elementCount: specialists[0]?.length ?? 0,
  };
}

/** A task that reads its slices anew for every pass, as a streamed merge does. */
export function taskOf(
  backend: MergeBackend,
  tensor: SmallTensor,
  merge: SmallMerge,
  open: Set<object> = new Set(),
): TensorTask {
  const { name, elementCount, base, specialists } = tensor;
  const sliceElements = merge.sliceElements ?? Math.max(chunkElements, elementCount);
  const part = ({ dtype, bytes }: ModelBytes, first: number, end: number): ModelBytes => {
    const sizeBytes = bytes.length / Math.max(1, elementCount);
    return { dtype, bytes: bytes.subarray(first * sizeBytes, end * sizeBytes) };
  };
  return {
    name,
    elementCount,
    shape: tensor.shape ?? [elementCount],
    layer: tensor.layer,
    role: tensor.role,
    specialistCount: specialists.length,
    numbers: numbersFor(findMethod(merge.method), specialists.length, merge.numbers),
    sliceCount: Math.ceil(elementCount / sliceElements),
    async openSlice(index) {
      const first = index * sliceElements;
      const end = Math.min(first + sliceElements, elementCount);
      const slice = await backend.load({
        tensorName: name,
        tensorKey: hashText32(name),
        firstElement: first,
        elementCount: end - first,
        base: base && part(base, first, end),
        specialists: specialists.map((model) => part(model, first, end)),
      });
      open.add(slice);
      return slice;
    },
    closeSlice(slice) {
      open.delete(slice);
      backend.release(slice);
    },
  };
}

function definitionOf(tensor: SmallTensor | undefined, merge: SmallMerge): MethodDefinition {
  const inputs = {
    specialistCount: tensor?.specialists.length ?? 1,
    hasBase: tensor?.base !== undefined,
    random: merge.mergekitDraws === undefined ? 'lab' : 'mergekit',
  } as const;
  return defineMethod(findMethod(merge.method), merge.options, inputs, tensor?.role);
}

/** Merges tensors as an engine does; the bytes of each, in order. */
export async function mergeAll(
  backend: MergeBackend,
  tensors: readonly SmallTensor[],
  merge: SmallMerge,
): Promise<Uint8Array[]> {
  const definitions = tensors.map((tensor) => definitionOf(tensor, merge));
  const tasks = tensors.map((tensor) => taskOf(backend, tensor, merge));
  const { seed = 0, memory, signal, mergekitDraws } = merge;
  const options = { seed, memory, signal, mergekitDraws };
  const measured = new Map<TensorTask, Measured>();
  for (const definition of new Set(definitions)) {
    if (!needsWholeModel(definition)) continue;
    const group = tasks.filter((_, index) => definitions[index] === definition);
    const found = await measureModel(backend, definition, group, options);
    group.forEach((task, index) => {
      const own = found[index];
      if (own !== undefined) measured.set(task, own);
    });
  }
  const results: Uint8Array[] = [];
  for (const [index, task] of tasks.entries()) {
    const parts: number[] = [];
    const emit = (bytes: Uint8Array): void => {
      for (const byte of bytes) parts.push(byte);
    };
    const dtype = merge.outDtype ?? 'F32';
    const definition = definitions[index] ?? definitionOf(tensors[0], merge);
    await mergeTensor(backend, definition, task, dtype, emit, options, measured.get(task));
    results.push(Uint8Array.from(parts));
  }
  return results;
}

/** Merges one tensor into float32 numbers. */
export async function mergeOne(
  backend: MergeBackend,
  tensor: SmallTensor,
  merge: SmallMerge,
): Promise<number[]> {
  const [bytes = new Uint8Array()] = await mergeAll(backend, [tensor], merge);
  return [...new Float32Array(bytes.buffer)];
}
