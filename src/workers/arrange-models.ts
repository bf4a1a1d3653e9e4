import { LabError } from '../core/errors';
import { adaptModel } from '../engine/adapted-checkpoint';
import { openLoraAdapter } from '../engine/lora-adapter';
import { quoted } from '../formats/text';
import type { ModelFiles } from '../sources/model-files';
import { contentsOf, type OpenModel } from './open-model';

/** Models and adapters, put together to be merged. */
export interface ArrangedModels {
  readonly base: OpenModel;
  readonly specialists: readonly OpenModel[];
  /** By their names in recipes. */
  readonly adapters: ReadonlyMap<string, ModelFiles>;
  readonly notes: readonly string[];
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
    const named = models.find(({ id }) => lastPart(id) === trainedOn);
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

/** The last part of a Hub id, a path or a name, in small letters. */
function lastPart(path: string): string {
  const parts = path.split(/[\\/]/).filter((part) => part !== '');
  return (parts.at(-1) ?? '').replaceAll(/[+@{}]/g, '-').toLowerCase();
}

function missingBase(baseId: string, models: readonly OpenModel[]): LabError {
  const names = models.map((model) => model.id).join(', ');
  const hint =
    names === ''
      ? 'nothing that was chosen is a whole model, so choose one that the adapters fit'
      : `choose one of ${names}`;
  return new LabError(
    'recipe/missing-model',
    `There is no model ${quoted(baseId)} to use as the base; ${hint}.`,
    { details: { model: baseId } },
  );
}
