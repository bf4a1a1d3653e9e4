import { LabError } from '../core/errors';
import { adaptModel } from '../engine/adapted-checkpoint';
import { openLoraAdapter } from '../engine/lora-adapter';
import { quoted } from '../formats/text';
import type { ModelFiles } from '../sources/model-files';
import { isAdapter } from '../sources/model-groups';
import { contentsOf, openModel, type OpenModel } from './open-model';

/** Models and adapters, put together to be merged. */
export interface ArrangedModels {
  readonly base: OpenModel;
  readonly specialists: readonly OpenModel[];
  /** By their names in recipes. */
  readonly adapters: ReadonlyMap<string, ModelFiles>;
  readonly notes: readonly string[];
}

/**
 * Opens what a person picked, headers only.
 * @param baseName the label of the base among them
 * @throws LabError `source/…`, `format/…`; as `arrangeModels`
 */
export async function arrangePicked(
  found: readonly ModelFiles[],
  baseName: string,
  signal?: AbortSignal,
): Promise<ArrangedModels> {
  const adapters = new Map<string, ModelFiles>();
  const models: OpenModel[] = [];
  const takenCounts = new Map<string, number>();
  for (const files of found) {
    const name = recipeName(files.label);
    const takenCount = takenCounts.get(name) ?? 0;
    takenCounts.set(name, takenCount + 1);
    const id = takenCount === 0 ? name : `${name}-${takenCount + 1}`;
    if (isAdapter(files.files.keys())) adapters.set(id, files);
    else models.push(await openModel(id, files.label, files, undefined, signal));
  }
  return arrangeModels(models, adapters, recipeName(baseName), signal);
}

/**
 * Tells base from specialists. An adapter becomes a specialist by itself, `model+adapter`: added to the
 * model that it names as the one it was trained on, else to the base.
 *
 * @throws LabError `recipe/missing-model` when the base is none of the models; as `adaptModel` for an
 * adapter that does not fit
 */
export async function arrangeModels(
  models: readonly OpenModel[],
  adapters: ReadonlyMap<string, ModelFiles>,
  baseId: string,
  signal?: AbortSignal,
): Promise<ArrangedModels> {
  const base = models.find(({ id }) => id === baseId);
  if (base === undefined) throw missingBase(baseId, models);
  const notes: string[] = [];
  const adapted: OpenModel[] = [];
  for (const [name, files] of adapters) {
    const { config } = await openLoraAdapter(files, signal);
    const trainedOn = config.trainedOn === undefined ? '' : lastPart(config.trainedOn);
    const named = models.find(({ id }) => id.toLowerCase() === trainedOn);
    if (named === undefined && trainedOn !== '') {
      notes.push(
        `The adapter ${quoted(files.label)} says that it was trained on ${quoted(config.trainedOn ?? '')}; it is added to ${quoted(base.title)}, which must be the same model.`,
      );
    }
    adapted.push(await withAdapter(named ?? base, name, files, signal));
  }
  const specialists = [...models.filter((model) => model !== base), ...adapted];
  return { base, specialists, adapters, notes };
}

/** A model with an adapter added, `model+adapter` in recipes and called as the adapter. */
async function withAdapter(
  model: OpenModel,
  name: string,
  files: ModelFiles,
  signal: AbortSignal | undefined,
): Promise<OpenModel> {
  const adapted = await adaptModel(`${model.id}+${name}`, model, files, signal);
  return {
    ...adapted,
    title: files.label,
    contentHash: undefined,
    ...contentsOf(adapted.checkpoint),
  };
}

/** The folder's name without what means an adapter, a revision or a mapping in recipes. */
function recipeName(label: string): string {
  return label.replaceAll(/[+@{}]/g, '-');
}

/** The name of a model in a Hub id or a path, as it would be the name of its folder. */
function lastPart(path: string): string {
  const parts = path.split(/[\\/]/).filter((part) => part !== '');
  return recipeName(parts.at(-1) ?? '').toLowerCase();
}

function missingBase(baseId: string, models: readonly OpenModel[]): LabError {
  const names = models.map((model) => model.id).join(', ');
  const hint = names === '' ? 'Nothing that was picked is a model.' : `Picked models: ${names}.`;
  return new LabError(
    'recipe/missing-model',
    `There is no model ${quoted(baseId)} to use as the base. ${hint} Pick the folder that holds the model, or a folder above it.`,
    { details: { model: baseId } },
  );
}
