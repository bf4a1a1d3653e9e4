import { abortable, LatestOnly } from '../core/abort';
import { EventBreaks } from '../core/event-breaks';
import { invariant, LabError } from '../core/errors';
import type { LongTask } from '../core/progress';
import type { MergeBackend } from '../expr/backend';
import type { CheckpointReader } from '../formats/checkpoint-reader';
import { quoted, shownBytes } from '../formats/text';
import type { Measured } from '../methods/merge-tensor';
import { measureModel, mergeTensor } from '../methods/merge-tensor';
import type { MergekitDraws, MergeOptions, TensorTask } from '../methods/tensor-task';
import type { Recipe } from '../recipe/recipe';
import { throwFirstError } from './finding';
import { reserveWeights, type MergedWeights } from './merged-weights';
import type { ModelInput, ModelInputs } from './model-input';
import { drawsKey, mergekitDrawsFor } from './mergekit-draws';
import type { MergePlan } from './plan';
import { preparationKey, prepareRecipes, type PreparedRecipes } from './plan-recipes';
import { inputBytesOf, type MergedTensor } from './plan-tensor';
import { runsOn } from './run-merge';
import {
  disposeSet,
  loadResidentSet,
  residentBytesOf,
  resultBytesOf,
  type ResidentSet,
} from './resident-set';
import { sliceElementsOn } from './tensor-slices';
import { wholeModelGroups } from './whole-model-groups';

/** Tensors in flight at once: hides the latency of calls without hoarding results. */
const tensorsAtOnce = 8;
/** Sets of loaded models kept for a change back, such as from a soup to task vectors. */
const maxResidentSets = 2;
/** Stages and tokenizers carried out that are kept likewise. */
const maxPrepared = 2;

/** What a live merge made and what it took. */
export interface LiveMergeResult {
  readonly weights: MergedWeights;
  readonly plan: MergePlan;
  readonly elapsedMs: number;
  /** Bytes of inputs that the merge went over. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/**
 * Merges the same models again and again while parameters move: their weights stay loaded in the
 * back end. For models that fit there, such as the zoo's. A new call aborts the one before it.
 */
export class LiveMerge {
  readonly #backend: MergeBackend;
  readonly #inputs: ModelInputs;
  readonly #memoryBytes: number;
  readonly #latest = new LatestOnly();
  /** By key, least recently used first. */
  readonly #sets = new Map<string, Promise<ResidentSet>>();
  readonly #prepared = new Map<string, Promise<PreparedRecipes>>();
  readonly #identities = new WeakMap<CheckpointReader, number>();
  #identityCount = 0;
  readonly #lifetime = new AbortController();
  #draws: { readonly key: string; readonly draws: MergekitDraws | undefined } | undefined;

  /**
   * @param inputs may grow; a model that it names stays the same model
   * @param memoryBytes what loaded models and results may take in the back end
   */
  constructor(backend: MergeBackend, inputs: ModelInputs, memoryBytes = Infinity) {
    this.#backend = backend;
    this.#inputs = inputs;
    this.#memoryBytes = memoryBytes;
  }

  /**
   * Loads what the recipe needs, so that the first merge is as fast as the next.
   * @param recipes the last is merged, earlier ones are its stages
   * @throws LabError as `planRecipes`, the first error among its findings, and as the sources
   */
  async load(recipes: readonly Recipe[], task: LongTask = {}): Promise<void> {
    const plan = await this.#plan(recipes, task.signal);
    await abortable(this.#residentSet(plan, task), task.signal);
  }

  /**
   * Merges; a newer call, an abort of `task.signal` and `dispose` reject with an AbortError and leave
   * the loaded models as they are.
   * @throws LabError as `load`, and as the back end
   */
  async merge(recipes: readonly Recipe[], task: LongTask = {}): Promise<LiveMergeResult> {
    const newest = this.#latest.begin();
    const signal = task.signal === undefined ? newest : AbortSignal.any([newest, task.signal]);
    const plan = await this.#plan(recipes, signal);
    // The models go on loading when this call is overtaken: the next one wants them too.
    const resident = await abortable(this.#residentSet(plan, task), signal);
    const startMs = performance.now();
    const weights = reserveWeights('merge', plan.tensors);
    const merging = this.#mergeInto(weights, plan, resident, signal);
    resident.users.add(merging);
    try {
      await merging;
      return {
        weights,
        plan,
        elapsedMs: performance.now() - startMs,
        bytesRead: plan.tensors.reduce((sum, tensor) => sum + inputBytesOf(tensor), 0),
        bytesWritten: weights.buffer.byteLength,
      };
    } finally {
      resident.users.delete(merging);
    }
  }

  /** Aborts what is going on and frees the loaded models; the back end stays. */
  dispose(): void {
    this.#latest.cancel();
    this.#lifetime.abort(new DOMException('The models were unloaded.', 'AbortError'));
    for (const loading of this.#sets.values()) loading.then(disposeSet, () => undefined);
    this.#sets.clear();
  }

  async #plan(recipes: readonly Recipe[], signal: AbortSignal | undefined): Promise<MergePlan> {
    const final = recipes.at(-1);
    invariant(final, 'there is a recipe to merge');
    const prepared = await abortable(this.#prepare(recipes), signal);
    const plan = await prepared.plan(final, signal);
    throwFirstError(plan.findings);
    this.#throwUnlessFits(plan);
    return plan;
  }

  /** Before a byte is loaded: the back end would refuse only after most of them were. */
  #throwUnlessFits(plan: MergePlan): void {
    const neededBytes = neededBytesOf(plan);
    if (neededBytes <= this.#memoryBytes) return;
    throw new LabError(
      'engine/unsupported',
      `Merged live by ${quoted(plan.merge.recipe.mergeMethod)}, these models take ${shownBytes(neededBytes)}, and the bound of memory leaves ${shownBytes(this.#memoryBytes)} for them; raise it, or choose fewer models or another method.`,
      { details: { neededBytes, limitBytes: this.#memoryBytes } },
    );
  }

  /** Stages and tokenizers stay as they are while sliders move, so that what was loaded of them fits. */
  async #prepare(recipes: readonly Recipe[]): Promise<PreparedRecipes> {
    const { signal } = this.#lifetime;
    signal.throwIfAborted();
    const key = preparationKey(recipes);
    const options = { signal, startRun: runsOn(this.#backend) };
    const preparing = this.#prepared.get(key) ?? prepareRecipes(recipes, this.#inputs, options);
    this.#prepared.delete(key);
    this.#prepared.set(key, preparing);
    preparing.catch(() => this.#prepared.delete(key));
    for (const oldest of this.#prepared.keys()) {
      if (this.#prepared.size > maxPrepared) this.#prepared.delete(oldest);
    }
    return preparing;
  }

  /** The set that a plan needs, loaded or being loaded; newcomers that want the same one share it. */
  async #residentSet(plan: MergePlan, task: LongTask): Promise<ResidentSet> {
    this.#lifetime.signal.throwIfAborted();
    const key = this.#setKey(plan);
    const known = this.#sets.get(key);
    const others = [...this.#sets].filter(([other]) => other !== key);
    const loading = known ?? this.#loadSet(plan, others, task.onProgress);
    this.#sets.delete(key);
    this.#sets.set(key, loading);
    if (known === undefined) {
      loading.catch(() => this.#sets.delete(key));
      await this.#evict();
    }
    return loading;
  }

  /** Older sets leave first as far as the new one and its results need their room. */
  async #loadSet(
    plan: MergePlan,
    others: readonly (readonly [string, Promise<ResidentSet>])[],
    onProgress: LongTask['onProgress'],
  ): Promise<ResidentSet> {
    const { signal } = this.#lifetime;
    const loaded: (readonly [string, ResidentSet])[] = [];
    for (const [key, loading] of others) {
      const set = await loading.catch(() => undefined);
      if (set !== undefined) loaded.push([key, set]);
    }
    let keptBytes = loaded.reduce((sum, [, { sizeBytes }]) => sum + sizeBytes, 0);
    for (const [key, set] of loaded) {
      if (keptBytes + neededBytesOf(plan) <= this.#memoryBytes) break;
      this.#sets.delete(key);
      // A merge that is going on was aborted by the one that wants this set.
      await Promise.allSettled(set.users);
      disposeSet(set);
      keptBytes -= set.sizeBytes;
    }
    signal.throwIfAborted();
    return loadResidentSet(plan, this.#backend, { signal, onProgress });
  }

  /** Equal for plans that load the same bytes in the same slices. */
  #setKey({ tensors }: MergePlan): string {
    const loaded = tensors.map((tensor) => {
      if (tensor.kind === 'copy') return [tensor.name, this.#identityOf(tensor.source.model)];
      const { name, hasBase, shape, sources } = tensor;
      const sliceElements = sliceElementsOn(this.#backend, tensor);
      const read = sources.map((one) => [this.#identityOf(one.model), one.name]);
      return [name, hasBase, sliceElements, shape, read];
    });
    return JSON.stringify(loaded);
  }

  /** Models of one name differ when a stage or a tokenizer was carried out differently. */
  #identityOf({ checkpoint }: ModelInput): number {
    const known = this.#identities.get(checkpoint) ?? this.#identityCount++;
    this.#identities.set(checkpoint, known);
    return known;
  }

  async #evict(): Promise<void> {
    let surplus = this.#sets.size - maxResidentSets;
    for (const [key, loading] of [...this.#sets]) {
      if (surplus <= 0) return;
      const set = await loading.catch(() => undefined);
      if (set === undefined || set.users.size > 0) continue;
      this.#sets.delete(key);
      disposeSet(set);
      surplus -= 1;
    }
  }

  async #mergeInto(
    weights: MergedWeights,
    plan: MergePlan,
    resident: ResidentSet,
    signal: AbortSignal,
  ): Promise<void> {
    const target = new Uint8Array(weights.buffer);
    const { memory } = resident;
    const { seed } = plan.merge;
    const options = { seed, signal, memory, mergekitDraws: this.#drawsFor(plan) };
    const breaks = new EventBreaks();
    const placed = plan.tensors.flatMap((tensor, index): PlacedTask[] => {
      const slices = resident.slices.get(tensor.name);
      const offsetBytes = weights.tensors[index]?.offsetBytes ?? 0;
      if (tensor.kind === 'merge' && slices !== undefined) {
        return [{ tensor, offsetBytes, task: slices.task(tensor, breaks) }];
      }
      target.set(resident.copies.get(tensor.name) ?? new Uint8Array(0), offsetBytes);
      return [];
    });
    const measured = await this.#measure(placed, options);
    const mergeOne = async ({ tensor, offsetBytes, task }: PlacedTask): Promise<void> => {
      let endBytes = offsetBytes;
      const emit = (bytes: Uint8Array): void => {
        target.set(bytes, endBytes);
        endBytes += bytes.byteLength;
      };
      const { definition, dtype } = tensor;
      const known = measured.get(tensor);
      await mergeTensor(this.#backend, definition, task, dtype, emit, options, known);
    };
    await forEachAtOnce(placed, tensorsAtOnce, mergeOne);
  }

  /** What the passes over the whole model find, tensor by tensor. */
  async #measure(
    placed: readonly PlacedTask[],
    options: MergeOptions,
  ): Promise<ReadonlyMap<MergedTensor, Measured>> {
    const measured = new Map<MergedTensor, Measured>();
    const groups = wholeModelGroups(placed.map(({ tensor }) => tensor));
    if (groups.length === 0) return measured;
    const taskOf = new Map(placed.map(({ tensor, task }) => [tensor, task]));
    for (const group of groups) {
      const tasks = group.flatMap((tensor) => taskOf.get(tensor) ?? []);
      const [first] = group;
      invariant(first, 'a group has a tensor');
      const found = await measureModel(this.#backend, first.definition, tasks, options);
      found.forEach((one, index) => {
        const tensor = group[index];
        if (tensor !== undefined) measured.set(tensor, one);
      });
    }
    return measured;
  }

  /** The same object as long as the numbers are the same: loaded masks are known by it. */
  #drawsFor(plan: MergePlan): MergekitDraws | undefined {
    if (plan.merge.random !== 'mergekit') return undefined;
    const key = drawsKey(plan);
    if (this.#draws?.key !== key) this.#draws = { key, draws: mergekitDrawsFor(plan) };
    return this.#draws.draws;
  }
}

/** In the back end: the loaded models, and the results of all tensors in flight. */
function neededBytesOf(plan: MergePlan): number {
  return residentBytesOf(plan) + resultBytesOf(plan, tensorsAtOnce);
}

/** A tensor's task and where its result goes. */
interface PlacedTask {
  readonly tensor: MergedTensor;
  readonly offsetBytes: number;
  readonly task: TensorTask;
}

/** Calls `work` for every value, at most `atOnce` at a time; the first failure starts no more. */
async function forEachAtOnce<T>(
  values: readonly T[],
  atOnce: number,
  work: (value: T) => Promise<void>,
): Promise<void> {
  const waiting = [...values];
  const lane = async (): Promise<void> => {
    for (let value = waiting.shift(); value !== undefined; value = waiting.shift()) {
      try {
        await work(value);
      } catch (error) {
        waiting.length = 0;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}
