import { LabError } from '../core/errors';
import type { LongTask, OnProgress } from '../core/progress';
import { ProgressMeter } from '../core/progress';
import type { OutputFile } from '../engine/output-files';
import { recipeVocabulary } from '../engine/recipe-vocabulary';
import { zipFileName, zipFolderName } from '../engine/zip-names';
import { parseRecipes } from '../recipe/parse-recipe';
import { recipesHash } from '../recipe/recipe-hash';
import { storedModel } from '../sources/cached-files';
import { pushModel, type Pushed, type PushOptions } from '../sources/hub/push';
import type { ModelFile, ModelFiles } from '../sources/model-files';
import type { LabStore } from '../store/lab-store';
import { dropOutput } from './drop-output';
import type { ExportTarget } from './export-target';
import { exportZip } from './export-zip';
import { RunChannel } from './run-channel';
import { afterRunLock, runLockName, withRunLock } from './run-lock';
import { freeTitle } from './run-titles';
import { notBegun, RunRecords, type RunEntry, type RunProgress } from './run-records';
import type { ModelPlace, RunRequest, RunState, RunSummary } from './run-types';
import { runModelId } from './stored-slot';

const copyPieceBytes = 4 << 20;

/** Where an output is uploaded to, and in whose name. */
export type PushTarget = Omit<PushOptions, 'onProgress' | 'signal'>;

/** The list of runs; carries out none. */
export class RunCatalogue {
  readonly #store: LabStore;
  readonly #records: RunRecords;
  readonly #channel = new RunChannel();

  constructor(store: LabStore) {
    this.#store = store;
    this.#records = new RunRecords(store);
  }

  /**
   * The newest first. A run that was at work and whose lock nobody holds was interrupted.
   * @param own runs of this page's own workers
   */
  async list(own: readonly string[]): Promise<readonly RunSummary[]> {
    const [runs, held] = await Promise.all([this.#records.list(), heldLocks()]);
    return runs.map(({ entry, progress }) => {
      const isHeld = held.has(runLockName(entry.id));
      const isOwn = own.includes(entry.id);
      return summaryOf(entry, progress, isHeld || isOwn, isHeld && !isOwn);
    });
  }

  /**
   * Writes down a new run. Its title gets a count where another run is called so.
   * @throws LabError `store/denied`; as `parseRecipes`
   */
  async add(id: string, request: RunRequest): Promise<void> {
    if (!(await this.#store.isAvailable())) {
      throw new LabError(
        'store/denied',
        'The browser gives this page no storage, which runs need to outlive a visit; leave the private window, or allow site data.',
      );
    }
    const options = { vocabulary: recipeVocabulary };
    const documents = parseRecipes(request.recipeText, 'the recipe', options);
    if (documents.length === 0) {
      throw new LabError('recipe/syntax', 'There is no recipe; write one first.');
    }
    const title = await this.#freeTitle(request.title, id);
    const entry: RunEntry = {
      id,
      request: { ...request, title },
      title,
      recipeHash: await recipesHash(documents.map(({ recipe }) => recipe)),
      createdAtMs: Date.now(),
    };
    await this.#records.putEntry(entry);
    await this.#records.putProgress(entry.id, notBegun);
    this.#channel.tell({ kind: 'changed' });
  }

  /** What a run was asked for; files of folders that were picked for one visit are gone. */
  async requestOf(id: string): Promise<RunRequest> {
    const { request, title } = await this.#entry(id);
    return { ...request, title };
  }

  /**
   * Uploads the output of a finished run, its model card included, as a new model of a hub.
   * @throws LabError `run/unavailable`; as `pushModel`
   */
  async pushTo(
    id: string,
    to: PushTarget,
    onProgress: OnProgress | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Pushed> {
    return pushModel(await this.#output(id), { ...to, onProgress, signal });
  }

  /** Renames a run and its output in the store; with a count where another run is called so. */
  async rename(id: string, wanted: string): Promise<void> {
    const title = await this.#freeTitle(wanted, id);
    await this.#records.putEntry({ ...(await this.#entry(id)), title });
    await this.#store.renameModel(runModelId(id), title);
    this.#channel.tell({ kind: 'changed' });
  }

  /** Sets the state of a run when whoever works on it has stopped, as they were asked to. */
  async stopped(id: string, state: 'paused' | 'cancelled'): Promise<void> {
    await afterRunLock(id, async () => this.#setLocked(id, state));
    this.#channel.tell({ kind: 'changed' });
  }

  /**
   * Sets the state of a run that nobody works on.
   * @throws LabError `run/unavailable` when another tab works on it
   */
  async setIdle(id: string, state: RunState): Promise<void> {
    await withRunLock(id, async () => this.#setLocked(id, state));
    this.#channel.tell({ kind: 'changed' });
  }

  /** One that is done stays so, and a pause is only for one that was at work. */
  async #setLocked(id: string, state: RunState): Promise<void> {
    const progress = (await this.#records.progress(id)) ?? notBegun;
    if (progress.state === 'done' || (state === 'paused' && !isAtWork(progress))) return;
    if (state === 'cancelled') await dropOutput(await this.#entry(id), this.#store);
    const { elapsedMs, totalBytes } = progress;
    const doneBytes = state === 'cancelled' ? 0 : progress.doneBytes;
    await this.#records.putProgress(id, { state, elapsedMs, doneBytes, totalBytes });
  }

  /** Deletes a run that nobody works on, with its output; a zip that is whole is the person's own. */
  async remove(id: string): Promise<void> {
    const isDone = (await this.#records.progress(id))?.state === 'done';
    await dropOutput(await this.#entry(id), this.#store, { keepsZip: isDone });
    await this.#records.remove(id);
    this.#channel.tell({ kind: 'changed' });
  }

  /**
   * Writes a finished run as one zip.
   * @throws LabError `run/unavailable` when it is not finished, or its output is gone
   */
  async exportTo(
    id: string,
    target: ExportTarget,
    onProgress: OnProgress | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { title } = await this.#entry(id);
    const model = await this.#output(id);
    const files = [...model.files.values()];
    const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const meter = new ProgressMeter('Exporting', totalBytes, 'bytes', onProgress);
    const outputs = files.map((file) => copyOf(file, meter, { signal }));
    await exportZip(outputs, zipFolderName(title), target, signal);
  }

  async #freeTitle(wanted: string, id: string): Promise<string> {
    const others = (await this.#records.list()).filter(({ entry }) => entry.id !== id);
    return freeTitle(
      wanted,
      others.map(({ entry }) => entry.title),
    );
  }

  async #output(id: string): Promise<ModelFiles> {
    const model = await storedModel(this.#store, runModelId(id));
    if (model !== undefined) return model;
    throw new LabError(
      'run/unavailable',
      'The output of this run is not in the browser’s storage; run it again.',
      { details: { run: id } },
    );
  }

  async #entry(id: string): Promise<RunEntry> {
    const entry = await this.#records.entry(id);
    if (entry !== undefined) return entry;
    throw new LabError('run/unavailable', 'This run was deleted; start a new one.', {
      details: { run: id },
    });
  }
}

/** By its record: somebody works on it, unless it was interrupted. */
function isAtWork({ state }: RunProgress): boolean {
  return state === 'running' || state === 'waiting';
}

function summaryOf(
  entry: RunEntry,
  progress: RunProgress,
  hasWorker: boolean,
  isElsewhere: boolean,
): RunSummary {
  const { id, request, title, recipeHash: hash, createdAtMs } = entry;
  const { state, elapsedMs, doneBytes, totalBytes, error, notice } = progress;
  const wasAtWork = isAtWork(progress);
  return {
    id,
    title,
    recipeHash: hash,
    recipeText: request.recipeText,
    models: request.models.map((model) => ({ id: model.id, shown: shownPlace(model.place) })),
    output: request.output,
    state: wasAtWork && !hasWorker ? 'interrupted' : state,
    createdAtMs,
    elapsedMs,
    doneBytes,
    totalBytes,
    ...(state === 'done' ? { sizeBytes: totalBytes } : {}),
    ...(error === undefined || wasAtWork ? {} : { error }),
    ...(notice === undefined ? {} : { notice }),
    ...writtenTo(request),
    isElsewhere,
  };
}

function writtenTo({ to, title }: RunRequest): Pick<RunSummary, 'writtenTo'> {
  if (to === 'store') return {};
  if (to === 'download') return { writtenTo: { kind: 'download', name: zipFileName(title) } };
  return { writtenTo: { kind: to.kind === 'directory' ? 'folder' : 'zip', name: to.name } };
}

function shownPlace(place: ModelPlace): string {
  switch (place.kind) {
    case 'zoo':
      return place.id;
    case 'hub':
      return place.revision === 'main' ? place.repo : `${place.repo}@${place.revision}`;
    case 'folder':
      return place.name;
    case 'handle':
      return place.handle.name;
    case 'stored':
      return place.modelId;
  }
}

function copyOf(file: ModelFile, meter: ProgressMeter, { signal }: LongTask): OutputFile {
  const { path, sizeBytes } = file;
  return {
    path,
    sizeBytes,
    stream: async function* () {
      for (let offsetBytes = 0; offsetBytes < sizeBytes; offsetBytes += copyPieceBytes) {
        const lengthBytes = Math.min(copyPieceBytes, sizeBytes - offsetBytes);
        yield await file.read(offsetBytes, lengthBytes, signal);
        meter.advance(lengthBytes);
      }
    },
  };
}

/** None where the browser denies storage: it denies locks with it, and then there are no runs. */
async function heldLocks(): Promise<ReadonlySet<string>> {
  try {
    const { held = [] } = await navigator.locks.query();
    return new Set(held.flatMap(({ name }) => name ?? []));
  } catch {
    return new Set();
  }
}
