import { dtypeSizesBytes, elementCountOf } from '../core/dtype';
import { invariant, LabError } from '../core/errors';
import type { EventBreaks } from '../core/event-breaks';
import { hashText32 } from '../core/random';
import type { LoadedSlice, MergeBackend, ModelBytes } from '../expr/backend';
import { quoted, shownBytes } from '../formats/text';
import type { TensorTask } from '../methods/tensor-task';
import { specialistCountOf, type MergedTensor } from './plan-tensor';
import { sliceElementsFor } from './slice-size';
import { readSource, type FloatSource } from './tensor-source';

/** Where the slices of one tensor come from and go to. */
export interface SliceSetting {
  readonly backend: MergeBackend;
  readonly tensor: MergedTensor;
  /** Keeps loaded slices until `dispose`. */
  readonly isResident: boolean;
  /** The part that the slices cover, from a multiple of the unit of slices on; all unless given. */
  readonly part?: ElementRange | undefined;
}

/** Consecutive elements of a tensor, row-major. */
export interface ElementRange {
  readonly firstElement: number;
  readonly elementCount: number;
}

/**
 * How long the tensor's slices are in a back end that may take less than the plan allows.
 * @throws LabError `engine/unsupported` when it cannot take even one whole row of every model
 */
export function sliceElementsOn(backend: MergeBackend, tensor: MergedTensor): number {
  const { name, shape, sliceNeeds } = tensor;
  const wanted = sliceElementsFor(shape, sliceNeeds, backend.maxSliceBytes);
  const sliceElements = Math.min(tensor.sliceElements, wanted);
  const inputBytes =
    Math.min(sliceElements, elementCountOf(shape)) * sliceNeeds.inputBytesPerElement;
  if (inputBytes <= backend.maxSliceBytes) return sliceElements;
  throw new LabError(
    'engine/unsupported',
    `The rows of tensor ${quoted(name)} must lie in one piece, ${shownBytes(inputBytes)} from all models, and ${backend.device} takes ${shownBytes(backend.maxSliceBytes)}; choose another back end, or fewer models.`,
    { details: { tensor: name, sizeBytes: inputBytes, limitBytes: backend.maxSliceBytes } },
  );
}

/**
 * The slices of one tensor: read from every model at once, loaded into the back end, and released or
 * kept. While one slice is computed on, the next is being read.
 */
export class TensorSlices {
  readonly elementCount: number;
  readonly sliceCount: number;
  readonly #setting: SliceSetting;
  readonly #part: ElementRange;
  readonly #sliceElements: number;
  readonly #tensorKey: number;
  readonly #reads = new Map<number, Promise<readonly ModelBytes[]>>();
  readonly #loaded = new Map<number, Promise<LoadedSlice>>();
  readonly #comesInPieces: boolean;
  #isDisposed = false;

  constructor(setting: SliceSetting) {
    const { tensor, backend } = setting;
    this.#setting = setting;
    this.#tensorKey = hashText32(tensor.name);
    this.elementCount = elementCountOf(tensor.shape);
    this.#part = setting.part ?? { firstElement: 0, elementCount: this.elementCount };
    this.#sliceElements = sliceElementsOn(backend, tensor);
    this.#comesInPieces = tensor.sources.some(({ model }) => model.files.comeInPieces === true);
    this.sliceCount = Math.ceil(this.#part.elementCount / this.#sliceElements);
  }

  /**
   * The driver's view of the tensor, with the numbers of one merge. `breaks` let messages in between
   * the back end's calls, which on a single thread never leave the microtask queue.
   */
  task({ layer, numbers }: MergedTensor, breaks: EventBreaks): TensorTask {
    const { tensor } = this.#setting;
    return {
      name: tensor.name,
      elementCount: this.elementCount,
      shape: tensor.shape,
      layer,
      role: tensor.role,
      specialistCount: specialistCountOf(tensor),
      numbers,
      sliceCount: this.sliceCount,
      openSlice: async (index, signal) => {
        await breaks.pause(signal);
        return this.#open(index, signal);
      },
      closeSlice: (slice) => {
        if (!this.#setting.isResident) this.#setting.backend.release(slice);
      },
    };
  }

  /** The number of the slice that holds an element. */
  sliceAt(element: number): number {
    return Math.floor((element - this.#part.firstElement) / this.#sliceElements);
  }

  /** Begins to read a slice that will be wanted soon. */
  prefetch(index: number, signal?: AbortSignal): void {
    if (index >= this.sliceCount || this.#reads.has(index) || this.#loaded.has(index)) return;
    const read = this.#read(index, signal);
    // Whoever opens the slice hears of a failure; if nobody does, it does not matter.
    read.catch(() => undefined);
    this.#reads.set(index, read);
  }

  /** Loads every slice, for a tensor that is to stay resident. */
  async loadAll(signal?: AbortSignal): Promise<void> {
    for (let index = 0; index < this.sliceCount; index++) await this.#open(index, signal);
  }

  /** Frees what is loaded or being loaded. */
  dispose(): void {
    this.#isDisposed = true;
    for (const reading of this.#reads.values()) {
      reading.then(
        (bytes) => {
          this.#takeBack(bytes);
        },
        () => undefined,
      );
    }
    this.#reads.clear();
    for (const loading of this.#loaded.values()) {
      loading.then(
        (slice) => {
          this.#setting.backend.release(slice);
        },
        () => undefined,
      );
    }
    this.#loaded.clear();
  }

  async #open(index: number, signal: AbortSignal | undefined): Promise<LoadedSlice> {
    invariant(!this.#isDisposed, 'slices are opened before they are disposed of');
    const kept = this.#loaded.get(index);
    if (kept !== undefined) return kept;
    // Passes that look at a few slices first, to know where to look, would have pieces come twice.
    if (this.#setting.isResident && this.#comesInPieces) {
      while (this.#loaded.size < index) await this.#open(this.#loaded.size, signal);
    }
    const loading = this.#load(index, signal);
    if (this.#setting.isResident) {
      this.#loaded.set(index, loading);
      loading.catch(() => this.#loaded.delete(index));
    }
    return loading;
  }

  async #load(index: number, signal: AbortSignal | undefined): Promise<LoadedSlice> {
    this.prefetch(index, signal);
    const reading = this.#reads.get(index);
    this.#reads.delete(index);
    const bytes = (await reading) ?? [];
    if (signal?.aborted === true) this.#takeBack(bytes);
    signal?.throwIfAborted();
    this.prefetch(index + 1, signal);
    const { backend, tensor } = this.#setting;
    const { hasBase } = tensor;
    const [first, ...rest] = bytes;
    return backend.load({
      tensorName: tensor.name,
      tensorKey: this.#tensorKey,
      firstElement: this.#firstOf(index),
      elementCount: this.#lengthOf(index),
      ...(hasBase ? { base: first } : {}),
      specialists: hasBase ? rest : bytes,
    });
  }

  async #read(index: number, signal: AbortSignal | undefined): Promise<readonly ModelBytes[]> {
    const { sources } = this.#setting.tensor;
    const firstElement = this.#firstOf(index);
    const elementCount = this.#lengthOf(index);
    const { lend } = this.#setting.backend;
    const lent: ModelBytes[] = [];
    // A source that stands in two places is read once.
    const reads = new Map<FloatSource, Promise<ModelBytes>>();
    const reading = Promise.all(
      sources.map(async (source) => {
        const widthBytes = dtypeSizesBytes[source.dtype];
        const range = {
          offsetBytes: firstElement * widthBytes,
          lengthBytes: elementCount * widthBytes,
        };
        const { dtype } = source;
        const allocate =
          lend &&
          ((sizeBytes: number): Uint8Array => {
            const bytes = lend(sizeBytes);
            lent.push({ dtype, bytes });
            return bytes;
          });
        const read =
          reads.get(source) ??
          readSource(source, range, signal, allocate).then((bytes) => ({ dtype, bytes }));
        reads.set(source, read);
        return read;
      }),
    );
    return reading.catch(async (error: unknown) => {
      // Nothing is still being written when the memory goes back.
      await Promise.allSettled(reads.values());
      this.#takeBack(lent);
      throw error;
    });
  }

  #takeBack(inputs: readonly ModelBytes[]): void {
    for (const { bytes } of inputs) this.#setting.backend.takeBack?.(bytes);
  }

  #firstOf(index: number): number {
    return this.#part.firstElement + index * this.#sliceElements;
  }

  #lengthOf(index: number): number {
    return Math.min(this.#sliceElements, this.#part.elementCount - index * this.#sliceElements);
  }
}
