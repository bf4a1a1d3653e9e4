import type { JsonObject } from '../formats/bounded-json';
import { quoted } from '../formats/text';
import { layerNameOf } from './architecture';
import { compareConfigs, readConfig } from './compare-configs';
import { compareTokenizers } from './compare-tokenizers';
import { compareDtypes, noteFindings } from './compare-dtypes';
import { configChangesFor, type ConfigChanges } from './config-changes';
import type { Finding } from './finding';
import type { LayerMap, OutputName } from './layer-map';
import { namesOfSlices, namesOfWholeModels } from './layer-map';
import { licenceFindings, licenceOf } from './licences';
import { listed } from './match-findings';
import { matchTensors } from './match-tensors';
import type { MatchedTensor } from './matched-tensor';
import { inputOf, type ModelInput, type ModelInputs } from './model-input';
import { modelTensorsOf, type ModelTensors } from './model-tensors';
import { withOverride } from './override-architecture';
import type { ResolvedMerge } from './resolve-recipe';

/** Everything about a merge that does not depend on its parameters. */
export interface Layout {
  /** All models, the base first when the method uses one. */
  readonly models: readonly ModelInput[];
  readonly donor: ModelInput;
  readonly donorConfig: JsonObject | undefined;
  readonly tensors: readonly MatchedTensor[];
  readonly configChanges: Omit<ConfigChanges, 'dtype'>;
  /** By the model's name, where its card names one. */
  readonly licences: ReadonlyMap<string, string>;
  readonly findings: readonly Finding[];
}

/** Layouts kept for each donor: a slider moves parameters, a picker changes the method. */
const keptLayouts = 8;
const layouts = new WeakMap<
  ModelInput,
  Map<string, { readonly models: readonly ModelInput[]; readonly layout: Layout }>
>();

/**
 * Lays out the tensors of a merge from headers, configs and cards, or remembers how it did before.
 * @throws LabError `recipe/missing-model`, and as the files
 */
export async function layoutOf(
  merge: ResolvedMerge,
  inputs: ModelInputs,
  signal: AbortSignal | undefined,
): Promise<Layout> {
  const order = merge.base === undefined ? merge.specialists : [merge.base, ...merge.specialists];
  const models = order.map((id) => inputOf(inputs, id));
  const donor = inputOf(inputs, merge.donor);
  const kept = layouts.get(donor) ?? new Map<string, never>();
  layouts.set(donor, kept);
  const key = structureKey(merge);
  const known = kept.get(key);
  if (known?.models.every((model, index) => model === models[index]) === true) return known.layout;
  const layout = await layOut(merge, models, donor, signal);
  kept.delete(key);
  kept.set(key, { models, layout });
  for (const oldest of kept.keys()) if (kept.size > keptLayouts) kept.delete(oldest);
  return layout;
}

/** Equal for recipes that differ in parameters, dtypes and seeds only. */
function structureKey({ method, slices, stacksLayers, recipe }: ResolvedMerge): string {
  const roles = slices.map(({ base, specialists }) => [
    base === undefined ? null : [base.model, base.layerRange],
    specialists.map(({ model, layerRange }) => [model, layerRange]),
  ]);
  return JSON.stringify([method.id, stacksLayers, recipe.tokenizer !== undefined, roles]);
}

async function layOut(
  merge: ResolvedMerge,
  models: readonly ModelInput[],
  donor: ModelInput,
  signal: AbortSignal | undefined,
): Promise<Layout> {
  const donorFirst = [donor, ...models.filter((model) => model !== donor)];
  const configs = new Map<string, JsonObject | undefined>();
  const licences = new Map<string, string>();
  for (const model of donorFirst) {
    configs.set(model.id, withOverride(model.id, await readConfig(model, signal)));
    const licence = await licenceOf(model, signal);
    if (licence !== undefined) licences.set(model.id, licence);
  }
  const tensorsById = new Map(
    donorFirst.map((model) => [model.id, modelTensorsOf(model, configs.get(model.id))]),
  );
  const donorTensors = modelTensorsOf(donor, configs.get(donor.id));
  const map = namesOf(merge, tensorsById, donorTensors);
  const { tensors, findings } = matchTensors(merge, map.names, tensorsById);
  const origins = merge.stacksLayers
    ? map.origins.map(({ model, layer }) => ({ config: configs.get(model), layer }))
    : undefined;
  return {
    models,
    donor,
    donorConfig: await readConfig(donor, signal),
    tensors,
    configChanges: configChangesFor(configs.get(donor.id), tensors, origins),
    licences,
    findings: [
      ...map.findings,
      ...findings,
      ...headFindings(tensors, donorTensors, tensorsById),
      ...compareConfigs(donorFirst, [...configs.values()]),
      ...compareDtypes(donorFirst),
      ...noteFindings(donorFirst),
      // With a tokenizer setting the merge makes its own.
      ...(merge.recipe.tokenizer === undefined ? await compareTokenizers(donorFirst, signal) : []),
      ...licenceFindings(donorFirst, licences),
    ],
  };
}

function namesOf(
  merge: ResolvedMerge,
  models: ReadonlyMap<string, ModelTensors>,
  donor: ModelTensors,
): LayerMap {
  if (merge.stacksLayers) return namesOfSlices(merge, models, donor);
  const [slice] = merge.slices;
  if (slice === undefined) return { names: [], findings: [], origins: [] };
  const names = namesOfWholeModels(slice, models, donor);
  const odd = [...models.values()].filter(({ layerCount }) => layerCount !== donor.layerCount);
  if (odd.length === 0) return { names, findings: [], origins: [] };
  const commonCount = Math.min(...[...models.values()].map(({ layerCount }) => layerCount));
  const isCommon = ({ name }: OutputName): boolean => {
    const layer = layerNameOf(name);
    return layer === undefined || layer.index < commonCount;
  };
  return {
    names: names.filter(isCommon),
    findings: [layerCountFinding(donor, odd)],
    origins: [],
  };
}

function layerCountFinding(donor: ModelTensors, odd: readonly ModelTensors[]): Finding {
  const counts = odd.map(({ model, layerCount }) => `${quoted(model.id)} has ${layerCount} layers`);
  return {
    severity: 'error',
    code: 'recipe/shape-mismatch',
    sentence: `${counts.join(', ')}, but ${quoted(donor.model.id)} has ${donor.layerCount}; choose models of one size, or say with slices which layers to merge.`,
    models: odd.map(({ model }) => model.id),
  };
}

/** Says when the merge gets a head of its own although the donor ties it to the embedding. */
function headFindings(
  tensors: readonly MatchedTensor[],
  donor: ModelTensors,
  models: ReadonlyMap<string, ModelTensors>,
): readonly Finding[] {
  const head = tensors.find(({ role }) => role === 'head');
  if (head === undefined || donor.ownHead !== undefined) return [];
  const owners = [...models.values()]
    .filter(({ ownHead }) => ownHead !== undefined)
    .map(({ model }) => model.id);
  return [
    {
      severity: 'warning',
      code: 'recipe/shape-mismatch',
      sentence: `${listed(owners)} ${owners.length === 1 ? 'has' : 'have'} an output head of its own, so the merge gets one too and its config says so.`,
      models: owners,
      tensor: head.name,
    },
  ];
}
