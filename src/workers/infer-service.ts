import { invariant, LabError } from '../core/errors';
import type { LongTask, OnProgress } from '../core/progress';
import { MergedCheckpoint, type MergedWeights } from '../engine/merged-weights';
import { defaultMaxNewTokens, evaluate } from '../eval/evaluate';
import type { ItemResult } from '../eval/item-result';
import { browserPythonPort } from '../eval/python/python-port';
import { PythonSandbox } from '../eval/python/python-sandbox';
import { domainScores } from '../eval/score-keeper';
import { itemSetHash } from '../eval/select-items';
import type { LoadedModel } from '../model/loaded-model';
import { loadBrowserRuntime } from '../model/ort-browser';
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
import { encodingFor, LoadedSlots } from './loaded-slots';
import type { CollectionSource } from './open-collection';

/** Where this site's files lie: absolute addresses with a final slash. */
export interface SiteUrls {
  readonly ortUrl: string;
  readonly pyodideUrl: string;
  readonly zooUrl: string;
}

/** Runs and scores models; lives in the infer worker. */
export class InferService {
  readonly #store = new LabStore();
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

  /** Puts merged weights into the slot `merge`. */
  async setMerged(weights: MergedWeights, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    const slots = await this.#loadedSlots();
    const base = await this.#models().model('base', signal);
    await slots.load('merge', base, new MergedCheckpoint(weights), { signal });
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
    const { slot, selection, domains } = request;
    const items = await (await this.#itemSets()).select(selection, domains, signal);
    const { parameterCount } = await this.#models().model(slot === 'merge' ? 'base' : slot, signal);
    const about = { slot, dtype: encodingFor(parameterCount), seed: itemSeed };
    const storeKey = await this.#scoreKey(slot, itemSetHash(items), signal);
    const stored = storeKey === undefined ? undefined : await this.#store.scores.get(storeKey);
    if (stored !== undefined) {
      const results = stored.data as readonly ItemResult[];
      return {
        ...about,
        scores: domainScores(results),
        newItems: results,
        doneCount: results.length,
        totalCount: items.length,
        fromStore: true,
        elapsedMs: 0,
      };
    }
    const model = await this.#modelIn(slot, { signal, onProgress });
    const results: ItemResult[] = [];
    let last: EvaluationUpdate | undefined;
    const options = { items, seed: itemSeed, python: this.#python, signal };
    for await (const update of evaluate(model, options)) {
      results.push(...update.newItems);
      last = { ...about, fromStore: false, ...update };
      onUpdate(last);
      onProgress?.({
        stage: `Scoring ${slot}`,
        done: update.doneCount,
        total: update.totalCount,
        unit: 'items',
      });
    }
    invariant(last !== undefined, 'an evaluation has items');
    if (storeKey !== undefined) {
      const [modelHash, setHash, dtype] = storeKey;
      const score = { modelHash, itemSetHash: setHash, dtype, data: results };
      await this.#store.scores.put({ ...score, updatedAtMs: Date.now() });
    }
    return { ...last, newItems: [] };
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
    const model = await this.#models().model(slot, task.signal);
    return slots.load(slot, model, model.checkpoint, task);
  }

  /** Only models whose content has a known hash can be found again. */
  async #scoreKey(
    slot: string,
    setHash: string,
    signal: AbortSignal | undefined,
  ): Promise<[string, string, string] | undefined> {
    if (slot === 'merge') return undefined;
    const { contentHash, parameterCount } = await this.#models().model(slot, signal);
    if (contentHash === undefined) return undefined;
    const dtype = `${encodingFor(parameterCount)}/${defaultMaxNewTokens}`;
    return [contentHash, setHash, dtype];
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
