import { invariant, LabError } from '../core/errors';
import { saveToFolder } from '../engine/folder-sink';
import { runBackendBytes } from '../engine/memory-shares';
import type { OutputFile } from '../engine/output-files';
import type { MergePlan } from '../engine/plan';
import { planRecipes } from '../engine/plan-recipes';
import { recipeVocabulary } from '../engine/recipe-vocabulary';
import { RunJournal } from '../engine/run-journal';
import { runsOn } from '../engine/run-merge';
import { saveToStore, type ResumedSave } from '../engine/store-sink';
import { layOutZip, writeZip } from '../engine/zip-archive';
import { zipFileName, zipFolderName } from '../engine/zip-names';
import { saveToZip } from '../engine/zip-sink';
import type { BackendId, MergeBackend } from '../expr/backend';
import { sha256Hex, type CreateHash } from '../formats/hashes';
import { chooseBackend } from '../methods/choose-backend';
import { parseRecipes } from '../recipe/parse-recipe';
import type { Recipe } from '../recipe/recipe';
import { recipeHash } from '../recipe/recipe-hash';
import type { LabStore } from '../store/lab-store';
import { Asked } from './asked';
import { claimRoom } from './claim-room';
import { describeRun } from './describe-run';
import type { DownloadFacts } from './download-messages';
import { dropOutput } from './drop-output';
import { openPlaced, type OpenPlaced } from './open-placed';
import { inputsOf } from './placed-inputs';
import type { PlaceOpener } from './place-opener';
import type { RunMeter } from './run-meter';
import type { RunEntry } from './run-records';
import { runModelId } from './stored-slot';
import type { PlacedModel, RunRequest } from './run-types';

/** Raise it when a method's numbers or the layout of the output change: older runs begin anew then. */
const outputVersion = 2;
/** A device that is lost more often will be lost again. */
const maxLosses = 2;

export interface RunSetting {
  readonly store: LabStore;
  readonly opener: PlaceOpener;
  readonly meter: RunMeter;
  /** Where a new run computes; the lab's own choice unless given. One that goes on stays where it was. */
  readonly backend?: BackendId | undefined;
  readonly signal?: AbortSignal | undefined;
  /** A SHA-256 for the output that does not hold up this thread, where there is one. */
  readonly createHash?: CreateHash | undefined;
  /** Begins a download of this browser, for runs that write into one. */
  readonly openDownload?: (facts: DownloadFacts) => WritableStream<Uint8Array>;
  /** Hears of files whose content could not be checked, by their names; no output is whole before. */
  readonly onUnproven?: ((names: readonly string[]) => void) | undefined;
  /** Hears of the models' places when a run begins: branches of a hub as commits. */
  readonly onPlaced?: ((placed: readonly PlacedModel[]) => Promise<void>) | undefined;
}

/**
 * Carries out a run, or what is left of it. Whatever interrupts it, the next call goes on after the
 * last whole chunk (in a folder or a zip: after the last whole file), and the bytes are those of an
 * undisturbed run.
 *
 * @throws LabError `run/source-changed` when inputs are not those that the run began with; as the
 * recipe, the plan, the sources, the back end and the sink
 */
export async function carryOutRun(entry: RunEntry, setting: RunSetting): Promise<void> {
  let losses = 0;
  let hasGivenWay = false;
  for (;;) {
    try {
      await attempt(entry, setting);
      await RunJournal.forgetProof(setting.store, entry.id);
      return;
    } catch (error) {
      const code = error instanceof LabError ? error.code : undefined;
      if (code === 'gpu/lost' && losses < maxLosses) {
        losses += 1;
        setting.meter.enter('Starting the graphics device again');
      } else if (code === 'store/quota' && !hasGivenWay && (await giveWay(entry, setting))) {
        hasGivenWay = true;
      } else throw error;
    }
  }
}

/**
 * Where models were kept because they seemed to fit, the output comes before copies of them: they are
 * deleted, and read from their source from now on.
 * @returns whether that can make room for the rest of the output
 */
async function giveWay(
  { request: { caching, to } }: RunEntry,
  { store, opener, meter }: RunSetting,
): Promise<boolean> {
  const { doneBytes, totalBytes } = meter.live;
  if (caching !== 'auto' || to !== 'store' || totalBytes === 0) return false;
  opener.storeNoMore();
  return store.evict(totalBytes - doneBytes);
}

async function attempt(entry: RunEntry, setting: RunSetting): Promise<void> {
  const { store, opener, meter, signal } = setting;
  const { request } = entry;
  const documents = parseRecipes(request.recipeText, 'the recipe', {
    vocabulary: recipeVocabulary,
  });
  const recipes = documents.map(({ recipe }) => recipe);
  const takeProof = async (): Promise<unknown> => opener.proof();
  const known = await RunJournal.find(store, entry.id, takeProof);
  if (known !== undefined) await opener.goOn(await RunJournal.proof(store, entry.id));
  const placed = await openPlaced(request.models, opener, signal);
  const identity = await identityOf(entry, recipes, placed);
  if (known !== undefined && known.who.identity !== identity) throw sourceChanged();
  await store.pin(entry.id, placed.keys);
  const { backend } = await chooseBackend(known?.who.backend ?? setting.backend ?? 'auto', {
    memoryBytes: runBackendBytes(request.budgetBytes, request.models.length),
  });
  try {
    const { id, device } = backend;
    const plan = await planRun(recipes, placed, backend, request, signal);
    if (known === undefined) await setting.onPlaced?.(placed.placed);
    const who = { identity, backend: id, device };
    const journal = known ?? (await RunJournal.begin(store, entry.id, who, takeProof));
    const files = await describeRun(request, plan, backend, journal, {
      signal,
      createHash: setting.createHash,
      onProgress: ({ stage }) => {
        meter.enter(stage);
      },
    });
    await save(entry, provenFiles(files, setting), journal, setting);
  } finally {
    backend.dispose();
    await store.unpin(entry.id);
    await checkInputs(entry, placed.keys, setting);
  }
}

/** The last file is whole only after everything was read, and none of it proved wrong. */
function provenFiles(
  files: readonly OutputFile[],
  { opener, meter, signal, onUnproven }: RunSetting,
): readonly OutputFile[] {
  const proven = async function* (
    stream: AsyncIterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    yield* stream;
    meter.enter('Checking the models');
    const names = await opener.prove(signal);
    if (names.length > 0) onUnproven?.(names);
  };
  return files.map((file, index) => {
    if (index < files.length - 1) return file;
    const streamAfter = file.streamAfter?.bind(file);
    return {
      ...file,
      stream: () => proven(file.stream()),
      ...(streamAfter && { streamAfter: (kept) => proven(streamAfter(kept)) }),
    };
  });
}

async function save(
  entry: RunEntry,
  files: readonly OutputFile[],
  journal: RunJournal,
  setting: RunSetting,
): Promise<void> {
  const { title, to } = entry.request;
  const { meter, signal } = setting;
  meter.begin(files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
  const resumed = { journal, onStored: meter.count.bind(meter) };
  if (journal.closedPaths.length > 0) meter.enter('Checking what was written');
  if (to === 'store') await saveInStore(entry, files, resumed, setting.store);
  else if (to === 'download') await download(entry, files, resumed, setting);
  else if (to.kind === 'directory') await saveToFolder(files, to, { ...resumed, signal });
  else {
    await saveToZip(files, to, {
      ...resumed,
      folder: zipFolderName(title),
      modifiedAtMs: entry.createdAtMs,
      signal,
      isUnwanted: () => signal?.reason instanceof Asked && signal.reason.ask === 'cancel',
    });
  }
}

/** A download cannot be gone on with: it starts with the first byte whenever the run does. */
async function download(
  { request: { title } }: RunEntry,
  files: readonly OutputFile[],
  { onStored }: ResumedSave,
  { openDownload, signal }: RunSetting,
): Promise<void> {
  invariant(openDownload, 'a run into a download has a page');
  const folder = zipFolderName(title);
  const { sizeBytes } = layOutZip(files, folder);
  const counted = files.map((file) => ({
    ...file,
    stream: async function* () {
      for await (const bytes of file.stream()) {
        onStored(bytes.byteLength, false);
        yield bytes;
      }
    },
  }));
  const target = openDownload({ name: zipFileName(title), sizeBytes });
  await writeZip(counted, folder, target, signal);
}

async function saveInStore(
  { id, title }: RunEntry,
  files: readonly OutputFile[],
  resumed: ResumedSave,
  store: LabStore,
): Promise<void> {
  const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  let storedBytes = 0;
  for (const { path, sizeBytes } of files) {
    const key = `${runModelId(id)}/${path}`;
    const chunkCount = await store.files.storedChunkCount(key, sizeBytes);
    storedBytes += Math.min(sizeBytes, chunkCount * store.files.chunkSizeBytes);
  }
  await claimRoom({ neededBytes: totalBytes, storedBytes }, store);
  await saveToStore(files, store, runModelId(id), title, resumed);
}

/**
 * A file's hash is known when its last byte has been read. Output made of a wrong file goes: the run
 * would otherwise go on from it. So do pieces of other files that came the same way and are not proven.
 */
async function checkInputs(
  entry: RunEntry,
  keys: readonly string[],
  { opener, store }: RunSetting,
): Promise<void> {
  try {
    await opener.settle();
  } catch (error) {
    await dropOutput(entry, store);
    for (const key of keys) {
      if (!(await store.files.has(key))) await store.files.remove(key);
    }
    throw error;
  }
}

async function planRun(
  recipes: readonly Recipe[],
  placed: OpenPlaced,
  backend: MergeBackend,
  { budgetBytes, models }: RunRequest,
  signal: AbortSignal | undefined,
): Promise<MergePlan> {
  const inputs = inputsOf(placed);
  return planRecipes(recipes, await inputs.of(recipes, signal), {
    signal,
    startRun: runsOn(backend),
    budgetBytes,
    modelCount: models.length,
    openAdapter: (path) => Promise.resolve(inputs.adapter(path)),
  });
}

/** Equal for runs whose outputs are equal byte for byte, on one back end. */
async function identityOf(
  { request }: RunEntry,
  recipes: readonly Recipe[],
  { identities }: OpenPlaced,
): Promise<string> {
  const facts = [
    outputVersion,
    await Promise.all(recipes.map(recipeHash)),
    request.recipeText,
    request.title,
    request.output,
    [...identities],
  ];
  return sha256Hex(new TextEncoder().encode(JSON.stringify(facts)));
}

function sourceChanged(): LabError {
  return new LabError(
    'run/source-changed',
    'A model of this run is not what it was when the run began, so it cannot go on: its output would be of two kinds. Start it anew.',
  );
}
