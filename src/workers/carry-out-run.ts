import { LabError } from '../core/errors';
import type { LongTask } from '../core/progress';
import { describeOutput } from '../engine/output-files';
import { planRecipes } from '../engine/plan-recipes';
import { recipeVocabulary } from '../engine/recipe-vocabulary';
import { RunJournal } from '../engine/run-journal';
import { saveToStore } from '../engine/store-sink';
import type { BackendId, MergeBackend } from '../expr/backend';
import { sha256Hex } from '../formats/hashes';
import { chooseBackend } from '../methods/choose-backend';
import { parseRecipes } from '../recipe/parse-recipe';
import type { Recipe } from '../recipe/recipe';
import { recipeHash } from '../recipe/recipe-hash';
import type { LabStore } from '../store/lab-store';
import { CollectionInputs } from './collection-inputs';
import { openPlaced, type OpenPlaced } from './open-placed';
import type { PlaceOpener } from './place-opener';
import type { RunMeter } from './run-meter';
import { runModelId, type RunEntry } from './run-records';

/** Raise it when a method's numbers or the layout of the output change: older runs begin anew then. */
const outputVersion = 1;
/** Smaller than on the command line, so that an interrupted run goes through little of a file again. */
const maxShardBytes = 1_000_000_000;
/** A device that is lost more often will be lost again. */
const maxLosses = 2;

export interface RunSetting {
  readonly store: LabStore;
  readonly opener: PlaceOpener;
  readonly meter: RunMeter;
  /** Where a new run computes; the lab's own choice unless given. One that goes on stays where it was. */
  readonly backend?: BackendId | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Carries out a run, or what is left of it, into the store. Whatever interrupts it, the next call goes
 * on after the last whole chunk, and the bytes are those of an undisturbed run.
 *
 * @throws LabError `run/source-changed` when inputs are not those that the run began with; as the
 * recipe, the plan, the sources, the back end and the store
 */
export async function carryOutRun(entry: RunEntry, setting: RunSetting): Promise<void> {
  for (let losses = 0; ; losses++) {
    try {
      await attempt(entry, setting);
      return;
    } catch (error) {
      const isLost = error instanceof LabError && error.code === 'gpu/lost';
      if (!isLost || losses === maxLosses) throw error;
      setting.meter.enter('Starting the graphics device again');
    }
  }
}

async function attempt(entry: RunEntry, setting: RunSetting): Promise<void> {
  const { store, opener, meter, signal } = setting;
  const { request } = entry;
  const documents = parseRecipes(request.recipeText, 'the recipe', {
    vocabulary: recipeVocabulary,
  });
  const recipes = documents.map(({ recipe }) => recipe);
  const placed = await openPlaced(request.models, opener, signal);
  const known = await RunJournal.find(store, entry.id);
  const identity = await identityOf(entry, recipes, placed);
  if (known !== undefined && known.who.identity !== identity) throw sourceChanged();
  const { backend } = await chooseBackend(known?.who.backend ?? setting.backend ?? 'auto');
  try {
    const { id, device } = backend;
    const who = { identity, backend: id, device };
    const memory = known ?? (await RunJournal.begin(store, entry.id, who));
    const files = await describeRun(entry, recipes, placed, backend, memory, setting);
    meter.begin(files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
    const onStored = meter.count.bind(meter);
    await saveToStore(files, store, runModelId(entry.id), request.title, { memory, onStored });
  } finally {
    backend.dispose();
  }
}

async function describeRun(
  { request }: RunEntry,
  recipes: readonly Recipe[],
  placed: OpenPlaced,
  backend: MergeBackend,
  memory: RunJournal,
  { meter, signal }: RunSetting,
): Promise<ReturnType<typeof describeOutput>> {
  const inputs = inputsOf(placed);
  const plan = await planRecipes(recipes, await inputs.of(recipes, signal), {
    signal,
    backend,
    openAdapter: (path) => Promise.resolve(inputs.adapter(path)),
  });
  const onProgress: LongTask['onProgress'] = ({ stage }) => {
    meter.enter(stage);
  };
  return describeOutput(plan, backend, {
    title: request.title,
    recipeText: request.recipeText,
    maxShardBytes,
    device: memory.who.device,
    memory,
    onProgress,
    signal,
  });
}

function inputsOf({ models, adapters }: OpenPlaced): CollectionInputs {
  const [base, ...specialists] = models;
  if (base === undefined) {
    throw new LabError(
      'recipe/missing-model',
      'There is no model to merge; choose a base and others.',
    );
  }
  return new CollectionInputs({ base, specialists, adapters, notes: [], zoo: undefined });
}

/** Equal for runs whose outputs are equal byte for byte, on one back end. */
async function identityOf(
  { request }: RunEntry,
  recipes: readonly Recipe[],
  { identities }: OpenPlaced,
): Promise<string> {
  const hashes = await Promise.all(recipes.map(recipeHash));
  const facts = [
    outputVersion,
    hashes,
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
