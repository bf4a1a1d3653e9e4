import { invariant, LabError } from '../core/errors';
import type { LongTask, OnProgress } from '../core/progress';
import { MergedCheckpoint } from '../engine/merged-checkpoint';
import { evaluate } from '../eval/evaluate';
import type { ItemResult } from '../eval/item-result';
import type { EvalItem } from '../eval/items';
import { browserPythonPort } from '../eval/python/python-port';
import { PythonSandbox } from '../eval/python/python-sandbox';
import { domainScores } from '../eval/score-keeper';
import { quoted } from '../formats/text';
import { isExport } from '../model/load-export';
import type { LoadedModel } from '../model/loaded-model';
import { loadBrowserRuntime } from '../model/ort-browser';
import { readModelTexts } from '../model/read-texts';
import { encodingFor } from '../model/session-memory';
import { storedModel } from '../sources/cached-files';
import type { ModelFiles } from '../sources/model-files';
import { openModel } from '../sources/open-model';
import { Zoo } from '../sources/zoo';
import { LabStore } from '../store/lab-store';
import { itemSeed, ItemSets } from './item-sets';
import type {
  EvaluationRequest,
  EvaluationUpdate,
  GenerationReport,
  GenerationRequest,
} from './lab-types';
import { LazyCollection } from './lazy-collection';
import { LoadedSlots } from './loaded-slots';
import type { MergedModel } from './merged-model';
import type { CollectionSource } from './open-collection';
import { RememberedScores } from './remembered-scores';
import { modelOfStoredSlot } from './stored-slot';

/** Where this site's files lie: absolute addresses with a final slash. */
export interface SiteUrls {
  readonly ortUrl: string;
  readonly pyodideUrl: string;
  readonly zooUrl: string;
}

/** Slots for merged weights: the one the sliders make, and one that is only scored. */
const mergeSlots = ['merge', 'candidate'] as const;
export type MergeSlot = (typeof mergeSlots)[number];

/** Runs and scores models; lives in the infer worker. */
export class InferService {
  readonly #store = new LabStore();
  readonly #scores = new RememberedScores(this.#store);
  #urls: SiteUrls | undefined;
  #slots: Promise<LoadedSlots> | undefined;
  #python: PythonSandbox | undefined;
  #collection: LazyCollection | undefined;
  #items: Promise<ItemSets> | undefined;

  /** Called once, before anything else. */
  start(urls: SiteUrls): void {
    this.#urls = urls;
    this.#python = new PythonSandbox({
      createPort: () =>
        browserPythonPort(
          new Worker(new URL('../../workers/python.worker.ts', import.meta.url), {
            type: 'module',
            name: 'python',
          }),
        ),
      baseUrl: urls.pyodideUrl,
    });
  }

  /** The models that slots name from now on. */
  async useCollection(source: CollectionSource): Promise<void> {
    this.#collection = new LazyCollection(source, this.#store);
    await (await this.#loadedSlots()).dropAll();
  }

  /** Puts merged weights into one of the slots for merges. */
  async setMerged(
    slot: MergeSlot,
    { weights, texts }: MergedModel,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    signal?.throwIfAborted();
    const slots = await this.#loadedSlots();
    await slots.load(slot, texts, new MergedCheckpoint(weights), { signal });
  }

  /**
   * Scores the model in a slot on the zoo's items, reporting as it goes. Scores of a base or
   * specialist whose content is known come from the store when they were measured before.
   */
  async evaluate(
    request: EvaluationRequest,
    onUpdate: (update: EvaluationUpdate) => void,
    onProgress: OnProgress | undefined,
    signal: AbortSignal | undefined,
  ): Promise<EvaluationUpdate> {
    const { slot } = request;
    const key = slot === 'merge' ? undefined : await this.#contentHash(slot, signal);
    const found = await this.recall(key, request, signal);
    if (found !== undefined) return found.last;
    return this.#run(request, { key }, onUpdate, onProgress, signal);
  }

  /**
   * Scores that were measured before for what `key` names, as of the slot in `request`.
   * @returns undefined when there are none
   */
  async recall(
    key: string | undefined,
    request: EvaluationRequest,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly last: EvaluationUpdate; readonly mergeMs?: number } | undefined> {
    const items = await this.#itemsOf(request, signal);
    const dtype = await this.#dtypeOf(request.slot, signal);
    const found = await this.#scores.find(key, items, dtype);
    if (found === undefined) return undefined;
    const { results, mergeMs } = found;
    return {
      last: {
        slot: request.slot,
        dtype,
        seed: itemSeed,
        scores: domainScores(results),
        newItems: results,
        doneCount: results.length,
        totalCount: items.length,
        fromStore: true,
        elapsedMs: 0,
      },
      ...(mergeMs === undefined ? {} : { mergeMs }),
    };
  }

  /** Scores the merge in the slot `candidate` and keeps its scores under `key`. */
  async scoreCandidate(
    request: EvaluationRequest,
    kept: { readonly key: string | undefined; readonly mergeMs: number },
    onUpdate: (update: EvaluationUpdate) => void,
    onProgress: OnProgress | undefined,
    signal: AbortSignal | undefined,
  ): Promise<EvaluationUpdate> {
    return this.#run(request, kept, onUpdate, onProgress, signal);
  }

  /** Completes a prompt with the model in a slot. */
  async generate(
    request: GenerationRequest,
    onText: (piece: string) => void,
    onProgress: OnProgress | undefined,
    signal: AbortSignal | undefined,
  ): Promise<GenerationReport> {
    const { slot, prompt, maxNewTokens, temperature, seed } = request;
    const model = await this.#modelIn(slot, { signal, onProgress });
    const completion = await model.generateStream(prompt, {
      maxNewTokens,
      temperature,
      seed,
      signal,
      onText: withoutLeadingSpace(onText),
    });
    const seconds = Math.max(completion.elapsedMs, 1) / 1000;
    return {
      text: completion.text.trimStart(),
      tokenCount: completion.tokenCount,
      tokensPerSecond: completion.tokenCount / seconds,
    };
  }

  /** Logits of the model in a slot, for the comparison with other runtimes. */
  async logits(slot: string, tokens: readonly number[]): Promise<Float32Array> {
    return (await this.#modelIn(slot, {})).logits(tokens);
  }

  async #run(
    request: EvaluationRequest,
    { key, mergeMs }: { readonly key: string | undefined; readonly mergeMs?: number },
    onUpdate: (update: EvaluationUpdate) => void,
    onProgress: OnProgress | undefined,
    signal: AbortSignal | undefined,
  ): Promise<EvaluationUpdate> {
    const { slot } = request;
    const items = await this.#itemsOf(request, signal);
    const dtype = await this.#dtypeOf(slot, signal);
    const model = await this.#modelIn(slot, { signal, onProgress });
    const results: ItemResult[] = [];
    let last: EvaluationUpdate | undefined;
    const options = { items, seed: itemSeed, python: this.#python, signal };
    for await (const update of evaluate(model, options)) {
      results.push(...update.newItems);
      last = { slot, dtype, seed: itemSeed, fromStore: false, ...update };
      onUpdate(last);
      onProgress?.({
        stage: `Scoring ${slot}`,
        done: update.doneCount,
        total: update.totalCount,
        unit: 'items',
      });
    }
    invariant(last !== undefined, 'an evaluation has items');
    const kept = mergeMs === undefined ? { results } : { results, mergeMs };
    await this.#scores.keep(key, items, dtype, kept);
    return { ...last, newItems: [] };
  }

  async #itemsOf(
    { selection, domains }: EvaluationRequest,
    signal: AbortSignal | undefined,
  ): Promise<readonly EvalItem[]> {
    return (await this.#itemSets()).select(selection, domains, signal);
  }

  /** Merges have the shape of the base. */
  async #dtypeOf(slot: string, signal: AbortSignal | undefined): Promise<string> {
    if (modelOfStoredSlot(slot) !== undefined) {
      return (await this.#modelIn(slot, { signal })).facts.dtype;
    }
    const like = mergeSlots.some((merge) => merge === slot) ? 'base' : slot;
    const { parameterCount } = await this.#models().model(like, signal);
    return encodingFor(parameterCount);
  }

  async #modelIn(slot: string, task: LongTask): Promise<LoadedModel> {
    const slots = await this.#loadedSlots();
    const loaded = slots.get(slot);
    if (loaded !== undefined) return loaded;
    if (slot === 'merge') {
      throw new LabError(
        'recipe/missing-model',
        'There is no merge to run yet. Press Merge, or move a slider.',
      );
    }
    const storedId = modelOfStoredSlot(slot);
    if (storedId !== undefined) return this.#loadStored(slot, storedId, slots, task);
    const model = await this.#models().model(slot, task.signal);
    return slots.load(slot, await readModelTexts(model.files, task.signal), model.checkpoint, task);
  }

  /** A stored model, such as a finished run: as a checkpoint, or as it was exported. */
  async #loadStored(
    slot: string,
    storedId: string,
    slots: LoadedSlots,
    task: LongTask,
  ): Promise<LoadedModel> {
    const files = await this.#storedFiles(storedId);
    if (isExport(files)) return slots.loadExport(slot, files, task);
    const { checkpoint } = await openModel(files, task.signal);
    return slots.load(slot, await readModelTexts(files, task.signal), checkpoint, task);
  }

  async #storedFiles(id: string): Promise<ModelFiles> {
    const files = await storedModel(this.#store, id);
    if (files !== undefined) return files;
    throw new LabError(
      'recipe/missing-model',
      `The stored model ${quoted(id)} is not here, or not whole; make it again.`,
      { details: { model: id } },
    );
  }

  /** Only models whose content has a known hash can be found again. */
  async #contentHash(slot: string, signal: AbortSignal | undefined): Promise<string | undefined> {
    if (modelOfStoredSlot(slot) !== undefined) return undefined;
    return (await this.#models().model(slot, signal)).contentHash;
  }

  #models(): LazyCollection {
    invariant(this.#collection, 'a collection is in use');
    return this.#collection;
  }

  async #loadedSlots(): Promise<LoadedSlots> {
    const urls = this.#urls;
    invariant(urls, 'the service was started');
    this.#slots ??= loadBrowserRuntime(urls.ortUrl).then((runtime) => new LoadedSlots(runtime));
    return this.#slots.catch((error: unknown) => {
      this.#slots = undefined;
      throw error;
    });
  }

  async #itemSets(): Promise<ItemSets> {
    const urls = this.#urls;
    invariant(urls, 'the service was started');
    this.#items ??= Zoo.open(urls.zooUrl).then((zoo) => new ItemSets(zoo));
    return this.#items.catch((error: unknown) => {
      this.#items = undefined;
      throw error;
    });
  }
}

/** Chat templates such as the zoo's end before the space that begins a reply. */
function withoutLeadingSpace(onText: (piece: string) => void): (piece: string) => void {
  let hasBegun = false;
  return (piece) => {
    const text = hasBegun ? piece : piece.trimStart();
    if (text === '') return;
    hasBegun = true;
    onText(text);
  };
}
