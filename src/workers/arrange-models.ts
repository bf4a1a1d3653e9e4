import { LabError } from '../core/errors';
import { adaptModel } from '../engine/adapted-checkpoint';
import { openLoraAdapter } from '../engine/lora-adapter';
import { quoted } from '../formats/text';
import type { ModelFiles } from '../sources/model-files';
import { isAdapter } from '../sources/model-groups';
import { contentsOf, openModel, type OpenModel } from './open-model';

/** Models and adapters that a person picked, put together to be merged. */
export interface ArrangedModels {
  readonly base: OpenModel;
  readonly specialists: readonly OpenModel[];
  /** By their names in recipes. */
  readonly adapters: ReadonlyMap<string, ModelFiles>;
  readonly notes: readonly string[];
}

/**
 * Opens picked models, headers only. An adapter becomes a specialist by itself, `model+adapter`: added
 * to the picked model that it names as the one it was trained on, else to the base.
 *
 * @param baseName the label of the base among them
 * @throws LabError `recipe/missing-model` when it is none of them; `source/…`, `format/…`; as
 * `adaptModel` for an adapter that fits nothing
 */
export async function arrangeModels(
  found: readonly ModelFiles[],
  baseName: string,
  signal?: AbortSignal,
): Promise<ArrangedModels> {
  const adapters = new Map<string, ModelFiles>();
  const models: OpenModel[] = [];
  const takenIds = new Map<string, number>();
  const idFor = (label: string): string => {
    const name = recipeName(label);
    const taken = takenIds.get(name) ?? 0;
    takenIds.set(name, taken + 1);
    return taken === 0 ? name : `${name}-${taken + 1}`;
  };
  for (const files of found) {
    const id = idFor(files.label);
    if (isAdapter(files.files.keys())) adapters.set(id, files);
    else models.push(await openModel(id, files.label, files, undefined, signal));
  }
  const base = models.find((model) => model.id === recipeName(baseName));
  if (base === undefined) throw missingBase(baseName, models);
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

function missingBase(baseName: string, models: readonly OpenModel[]): LabError {
  const names = models.map((model) => model.id).join(', ');
  const hint = names === '' ? 'Nothing that was picked is a model.' : `Picked models: ${names}.`;
  return new LabError(
    'recipe/missing-model',
    `There is no model ${quoted(baseName)} to use as the base. ${hint} Pick the folder that holds the model, or a folder above it.`,
    { details: { model: baseName } },
  );
}
