import type { Recipe, RecipeModel, RecipeSlice, RecipeSource, Settings } from './recipe';
import {
  modelKeys,
  recipeKeys,
  settingKeys,
  settingsKeys,
  sliceKeys,
  sourceKeys,
  tokenizerKeys,
} from './write-recipe';

/** Keys and list positions from the root of a document. */
export type YamlPath = readonly (string | number)[];

/** One step of an edit, in terms of mergekit's keys. Steps are made one after the other. */
export type YamlChange =
  | { readonly kind: 'set'; readonly path: YamlPath; readonly value: unknown }
  | { readonly kind: 'delete'; readonly path: YamlPath }
  /** The path is that of the list; `index` is where the new entry then stands. */
  | {
      readonly kind: 'insert';
      readonly path: YamlPath;
      readonly index: number;
      readonly value: unknown;
    }
  /** Entry `order[i]` comes to stand at `i`. */
  | { readonly kind: 'reorder'; readonly path: YamlPath; readonly order: readonly number[] };

/** Where the parts of a recipe stand in one text. */
export interface RecipeLayout {
  /** Empty, or the path of the only module. */
  readonly inputsAt: YamlPath;
  /** Parameters that the module sets, in front of the recipe's. */
  readonly moduleParameters: ReadonlySet<string>;
  readonly hasTokenizerSource: boolean;
}

/** The steps that turn a text saying `before` into one saying `after`; nothing else is touched. */
export function recipeChanges(before: Recipe, after: Recipe, layout: RecipeLayout): YamlChange[] {
  return [
    ...topLevelChanges(before, after),
    ...tokenizerChanges(before, after, layout),
    ...inputChanges(before, after, layout),
    ...parameterChanges(before, after, layout),
  ];
}

const plainKeys = [
  'name',
  'merge_method',
  'base_model',
  'dtype',
  'out_dtype',
  'chat_template',
] as const;

function topLevelChanges(before: Recipe, after: Recipe): YamlChange[] {
  const [was, is] = [recipeKeys(before), recipeKeys(after)];
  const changes = plainKeys.flatMap((key) => change([key], was[key], is[key]));
  return [...changes, ...mapChanges(['mergelab'], was['mergelab'], is['mergelab'])];
}

function tokenizerChanges(
  { tokenizer: was }: Recipe,
  { tokenizer: is }: Recipe,
  { hasTokenizerSource }: RecipeLayout,
): YamlChange[] {
  if (!hasTokenizerSource) {
    return change(['tokenizer'], was && tokenizerKeys(was), is && tokenizerKeys(is));
  }
  const isShort = is !== undefined && Object.keys(tokenizerKeys(is)).length === 1;
  if (is === undefined || !isShort) {
    const removal: YamlChange = { kind: 'delete', path: ['tokenizer_source'] };
    return [removal, ...change(['tokenizer'], undefined, is && tokenizerKeys(is))];
  }
  return change(['tokenizer_source'], was && modelKeys(was.source), modelKeys(is.source));
}

function inputChanges(before: Recipe, after: Recipe, { inputsAt }: RecipeLayout): YamlChange[] {
  const [was, is] = [before.slices ?? [], after.slices ?? []];
  const modelsAt = [...inputsAt, 'models'];
  const slicesAt = [...inputsAt, 'slices'];
  const keys = recipeKeys(after);
  if (is.length > 0 && was.length === 0) {
    return [
      { kind: 'delete', path: modelsAt },
      { kind: 'set', path: slicesAt, value: keys['slices'] },
    ];
  }
  if (is.length === 0 && was.length > 0) {
    return [
      { kind: 'delete', path: slicesAt },
      { kind: 'set', path: modelsAt, value: keys['models'] },
    ];
  }
  if (is.length > 0) return listChanges(slicesAt, was, is, sliceList);
  return listChanges(modelsAt, before.models, after.models, modelList);
}

function parameterChanges(before: Recipe, after: Recipe, layout: RecipeLayout): YamlChange[] {
  const { inputsAt, moduleParameters } = layout;
  const names = [...new Set([...Object.keys(before.parameters), ...Object.keys(after.parameters)])];
  if (moduleParameters.size === 0) {
    return settingsChanges(['parameters'], before.parameters, after.parameters);
  }
  return names.flatMap((name) => {
    const at = moduleParameters.has(name) ? [...inputsAt, 'parameters'] : ['parameters'];
    return change([...at, name], keyOf(before.parameters, name), keyOf(after.parameters, name));
  });
}

/** How the entries of a list are told apart, written, and changed in place. */
interface ListKind<Entry> {
  readonly identity: (entry: Entry) => string;
  readonly keys: (entry: Entry) => unknown;
  readonly changes: (path: YamlPath, was: Entry, is: Entry) => YamlChange[];
}

const modelList: ListKind<RecipeModel> = {
  identity: ({ model }) => model,
  keys: ({ model, parameters }) => {
    const settings = settingsKeys(parameters);
    return { model: modelKeys(model), ...(settings === undefined ? {} : { parameters: settings }) };
  },
  changes: (path, was, is) =>
    settingsChanges([...path, 'parameters'], was.parameters, is.parameters),
};

const sourceList: ListKind<RecipeSource> = {
  identity: ({ model }) => model,
  keys: sourceKeys,
  changes: (path, was, is) => [
    ...change([...path, 'layer_range'], [...was.layerRange], [...is.layerRange]),
    ...settingsChanges([...path, 'parameters'], was.parameters, is.parameters),
  ],
};

const sliceList: ListKind<RecipeSlice> = {
  identity: ({ sources }) => JSON.stringify(sources.map(({ model }) => model)),
  keys: sliceKeys,
  changes: (path, was, is) => [
    ...listChanges([...path, 'sources'], was.sources, is.sources, sourceList),
    ...change(
      [...path, 'base_model'],
      was.baseModel && modelKeys(was.baseModel),
      is.baseModel && modelKeys(is.baseModel),
    ),
    ...settingsChanges([...path, 'parameters'], was.parameters, is.parameters),
  ],
};

/** Entries that stay keep their text: what went is deleted, the rest is put in order, what is new comes in. */
function listChanges<Entry>(
  path: YamlPath,
  was: readonly Entry[],
  is: readonly Entry[],
  { identity, keys, changes }: ListKind<Entry>,
): YamlChange[] {
  const open = was.map((entry, index) => ({ entry, index }));
  const matches = is.map((entry) => {
    const found = open.findIndex((old) => identity(old.entry) === identity(entry));
    return found < 0 ? undefined : open.splice(found, 1)[0];
  });
  const kept = matches.flatMap((match) => (match === undefined ? [] : [match.index]));
  if (kept.length === 0 && is.length > 0) return [{ kind: 'set', path, value: is.map(keys) }];
  const steps: YamlChange[] = open
    .reverse()
    .map(({ index }) => ({ kind: 'delete', path: [...path, index] }));
  const sorted = kept.toSorted((left, right) => left - right);
  const order = kept.map((index) => sorted.indexOf(index));
  if (order.some((from, to) => from !== to)) steps.push({ kind: 'reorder', path, order });
  for (const [index, entry] of is.entries()) {
    const match = matches[index];
    if (match === undefined) steps.push({ kind: 'insert', path, index, value: keys(entry) });
    else steps.push(...changes([...path, index], match.entry, entry));
  }
  return steps;
}

function settingsChanges(path: YamlPath, was: Settings, is: Settings): YamlChange[] {
  return mapChanges(path, settingsKeys(was), settingsKeys(is));
}

function mapChanges(path: YamlPath, was: unknown, is: unknown): YamlChange[] {
  const [before, after] = [fieldsOf(was), fieldsOf(is)];
  // An empty mapping may well stand in the text; it is left as it is.
  if (Object.keys(after).length === 0 && Object.keys(before).length > 0) {
    return [{ kind: 'delete', path }];
  }
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.flatMap((name) => change([...path, name], before[name], after[name]));
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function keyOf(settings: Settings, name: string): unknown {
  const setting = Object.hasOwn(settings, name) ? settings[name] : undefined;
  return setting === undefined ? undefined : settingKeys(setting);
}

function change(path: YamlPath, was: unknown, is: unknown): YamlChange[] {
  if (JSON.stringify(was) === JSON.stringify(is)) return [];
  return is === undefined ? [{ kind: 'delete', path }] : [{ kind: 'set', path, value: is }];
}
