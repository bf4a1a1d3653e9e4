import { abortable, LatestOnly } from '../core/abort';
import { EventBreaks } from '../core/event-breaks';
import type { FloatDtype } from '../core/dtype';
import { ProgressMeter, type LongTask, type OnProgress } from '../core/progress';
import type { MergeBackend } from '../expr/backend';
import { measureModel, mergeTensor, needsWholeModel } from '../methods/merge-tensor';
import { PassMemory } from '../methods/pass-memory';
import type { TensorTask } from '../methods/tensor-task';
import type { Recipe } from '../recipe/recipe';
import { throwFirstError } from './finding';
import { reserveWeights, type MergedWeights } from './merged-weights';
import type { ModelInputs } from './model-input';
import { inputBytesOf, planMerge, type MergePlan } from './plan';
import { TensorSlices } from './tensor-slices';

/** Tensors in flight at once: hides the latency of calls without hoarding results. */
const tensorsAtOnce = 8;
/** Sets of loaded models kept for a change back, such as from a soup to task vectors. */
const maxResidentSets = 2;

/** What a live merge made and what it took. */
export interface LiveMergeResult {
  readonly weights: MergedWeights;
  readonly plan: MergePlan;
  readonly elapsedMs: number;
  /** Bytes of inputs that the merge went over. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** One set of models loaded into the back end. */
interface ResidentSet {
  readonly slices: ReadonlyMap<string, TensorSlices>;
  /** Tensors that are no weights, read once. */
  readonly copies: ReadonlyMap<string, Uint8Array>;
  /** Thresholds and sums that a slider leaves as they are. */
  readonly memory: PassMemory;
  /** Merges that are going on; a set in use is not evicted. */
  userCount: number;
}

/**
 * Merges the same models again and again while parameters move: their weights stay loaded in the
 * back end. For models that fit there, such as the zoo's. A new call aborts the one before it.
 */
export class LiveMerge {
  readonly #backend: MergeBackend;
  readonly #inputs: ModelInputs;
  readonly #latest = new LatestOnly();
  /** By key, least recently used first. */
  readonly #sets = new Map<string, Promise<ResidentSet>>();
  readonly #lifetime = new AbortController();

  constructor(backend: MergeBackend, inputs: ModelInputs) {
    this.#backend = backend;
    this.#inputs = inputs;
  }

  /**
   * Loads what the recipe needs, so that the first merge is as fast as the next.
   * @throws LabError as `planMerge`, the first error among its findings, and as the sources
   */
  async load(recipe: Recipe, task: LongTask = {}): Promise<void> {
    const plan = await this.#plan(recipe, task.signal);
    await abortable(this.#residentSet(plan, task), task.signal);
  }

  /**
   * Merges; a newer call, an abort of `task.signal` and `dispose` reject with an AbortError and leave
   * the loaded models as they are.
   * @throws LabError as `load`, and as the back end
   */
  async merge(recipe: Recipe, task: LongTask = {}): Promise<LiveMergeResult> {
    const newest = this.#latest.begin();
    const signal = task.signal === undefined ? newest : AbortSignal.any([newest, task.signal]);
    const plan = await this.#plan(recipe, signal);
    // The models go on loading when this call is overtaken: the next one wants them too.
    const resident = await abortable(this.#residentSet(plan, task), signal);
    resident.userCount += 1;
    try {
      const startMs = performance.now();
      const weights = reserveWeights('merge', plan.tensors);
      await this.#mergeInto(weights, plan, resident, signal);
      return {
        weights,
        plan,
        elapsedMs: performance.now() - startMs,
        bytesRead: plan.tensors.reduce((sum, tensor) => sum + inputBytesOf(tensor), 0),
        bytesWritten: weights.buffer.byteLength,
      };
    } finally {
      resident.userCount -= 1;
    }
  }

  /** Aborts what is going on and frees the loaded models; the back end stays. */
  dispose(): void {
    this.#latest.cancel();
    this.#lifetime.abort(new DOMException('The models were unloaded.', 'AbortError'));
    for (const loading of this.#sets.values()) disposeWhenLoaded(loading);
    this.#sets.clear();
  }

  async #plan(recipe: Recipe, signal: AbortSignal | undefined): Promise<MergePlan> {
    const plan = await planMerge(recipe, this.#inputs, { signal });
    throwFirstError(plan.findings);
    return plan;
  }

  /** The set that a plan needs, loaded or being loaded; newcomers that want the same one share it. */
  async #residentSet(plan: MergePlan, task: LongTask): Promise<ResidentSet> {
    this.#lifetime.signal.throwIfAborted();
    const key = JSON.stringify([plan.merge.base ?? null, plan.models.map((model) => model.id)]);
    const known = this.#sets.get(key);
    const loading = known ?? this.#loadSet(plan, task.onProgress);
    this.#sets.delete(key);
    this.#sets.set(key, loading);
    if (known === undefined) {
      loading.catch(() => this.#sets.delete(key));
      await this.#evict();
    }
    return loading;
  }

  async #evict(): Promise<void> {
    let surplus = this.#sets.size - maxResidentSets;
    for (const [key, loading] of [...this.#sets]) {
      if (surplus <= 0) return;
      const set = await loading.catch(() => undefined);
      if (set === undefined || set.userCount > 0) continue;
      this.#sets.delete(key);
      disposeSet(set);
      surplus -= 1;
    }
  }

  async #loadSet(plan: MergePlan, onProgress: OnProgress | undefined): Promise<ResidentSet> {
    const { signal } = this.#lifetime;
    const slices = new Map<string, TensorSlices>();
    const copies = new Map<string, Uint8Array>();
    const totalBytes = plan.tensors.reduce((sum, tensor) => sum + inputBytesOf(tensor), 0);
    const meter = new ProgressMeter('Loading the models', totalBytes, 'bytes', onProgress);
    try {
      for (const tensor of plan.tensors) {
        if (tensor.kind === 'copy') {
          const bytes = await plan.donor.checkpoint.read(tensor.name, undefined, signal);
          copies.set(tensor.name, bytes);
          continue;
        }
        const loader = new TensorSlices({
          backend: this.#backend,
          tensor,
          models: plan.models,
          hasBase: plan.merge.base !== undefined,
          isResident: true,
        });
        slices.set(tensor.name, loader);
        await loader.loadAll(signal);
        meter.advance(inputBytesOf(tensor));
      }
    } catch (error) {
      for (const loader of slices.values()) loader.dispose();
      throw error;
    }
    return { slices, copies, memory: new PassMemory(), userCount: 0 };
  }

  async #mergeInto(
    weights: MergedWeights,
    plan: MergePlan,
    resident: ResidentSet,
    signal: AbortSignal,
  ): Promise<void> {
    const { definition, numbers, seed } = plan.merge;
    const target = new Uint8Array(weights.buffer);
    const options = { seed, signal, memory: resident.memory };
    const breaks = new EventBreaks();
    const merged = plan.tensors.flatMap((tensor, index) => {
      const slices = resident.slices.get(tensor.name);
      const offsetBytes = weights.tensors[index]?.offsetBytes ?? 0;
      if (tensor.kind === 'merge' && slices !== undefined) {
        return [{ outDtype: tensor.dtype, offsetBytes, task: slices.task(numbers, breaks) }];
      }
      target.set(resident.copies.get(tensor.name) ?? new Uint8Array(0), offsetBytes);
      return [];
    });
    const measured = needsWholeModel(definition)
      ? await measureModel(
          this.#backend,
          definition,
          merged.map(({ task }) => task),
          options,
        )
      : [];
    const mergeOne = async (index: number, entry: PlacedTask): Promise<void> => {
      const { outDtype, task } = entry;
      let endBytes = entry.offsetBytes;
      const emit = (bytes: Uint8Array): void => {
        target.set(bytes, endBytes);
        endBytes += bytes.byteLength;
      };
      const known = measured[index] ?? { passCount: 0, numbers, columns: [] };
      await mergeTensor(this.#backend, definition, task, outDtype, emit, options, known);
    };
    await forEachAtOnce(merged, tensorsAtOnce, mergeOne);
  }
}

/** A tensor's task and where its result goes. */
interface PlacedTask {
  readonly outDtype: FloatDtype;
  readonly offsetBytes: number;
  readonly task: TensorTask;
}

/** Calls `work` for every value, at most `atOnce` at a time; the first failure starts no more. */
async function forEachAtOnce<T>(
  values: readonly T[],
  atOnce: number,
  work: (index: number, value: T) => Promise<void>,
): Promise<void> {
  const waiting = [...values.entries()];
  const lane = async (): Promise<void> => {
    for (let entry = waiting.shift(); entry !== undefined; entry = waiting.shift()) {
      try {
        await work(...entry);
      } catch (error) {
        waiting.length = 0;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

function disposeSet(set: ResidentSet): void {
  for (const slices of set.slices.values()) slices.dispose();
}

function disposeWhenLoaded(loading: Promise<ResidentSet>): void {
  loading.then(disposeSet, () => undefined);
}
