import { Document, isScalar, visit } from 'yaml';
import { modelReferenceKeys, parseModelReference } from './model-reference';
import type {
  Recipe,
  RecipeSlice,
  RecipeSource,
  Setting,
  Settings,
  TokenizerSetting,
} from './recipe';

/** How recipes are printed, here and when a text is edited. */
export const printOptions = { lineWidth: 0, flowCollectionPadding: false } as const;

/**
 * The recipe as YAML that mergekit runs unchanged when it uses mergekit's methods; mergekit ignores
 * the keys `mergelab` and `name`.
 */
export function writeRecipe(recipe: Recipe): string {
  return recipeDocument(recipe).toString(printOptions);
}

/** Several recipes as one text. */
export function writeRecipes(recipes: readonly Recipe[]): string {
  return recipes.map(writeRecipe).join('---\n');
}

function recipeDocument(recipe: Recipe): Document {
  return styled(new Document(recipeKeys(recipe), yaml11));
}

/** mergekit loads YAML 1.1, in which a bare yes or no is a boolean: such names must be quoted. */
export const yaml11 = { version: '1.1' } as const;

/** Puts lists of numbers on one line. */
export function styled<Styled extends Document>(document: Styled): Styled {
  visit(document, {
    Seq: (_key, list) => {
      list.flow = list.items.every((item) => isScalar(item) && typeof item.value === 'number');
    },
  });
  return document;
}

/** The recipe under mergekit's key names, absent parts left out, in a fixed order. */
export function recipeKeys(recipe: Recipe): Record<string, unknown> {
  const { slices, tokenizer, mergelab } = recipe;
  return withoutAbsent({
    name: recipe.name,
    merge_method: recipe.mergeMethod,
    base_model: recipe.baseModel === undefined ? undefined : modelKeys(recipe.baseModel),
    models:
      recipe.models.length === 0
        ? undefined
        : recipe.models.map(({ model, parameters }) =>
            withoutAbsent({ model: modelKeys(model), parameters: settingsKeys(parameters) }),
          ),
    slices: slices?.map(sliceKeys),
    parameters: settingsKeys(recipe.parameters),
    dtype: recipe.dtype,
    out_dtype: recipe.outDtype,
    tokenizer: tokenizer === undefined ? undefined : tokenizerKeys(tokenizer),
    chat_template: recipe.chatTemplate,
    mergelab: mergelab === undefined ? undefined : sorted(mergelab),
  });
}

/** A model as mergekit writes it: a text, or a mapping where its grammar has no text. */
export function modelKeys(model: string): unknown {
  return model.startsWith('{') ? modelReferenceKeys(parseModelReference(model)) : model;
}

export function sliceKeys(slice: RecipeSlice): Record<string, unknown> {
  return withoutAbsent({
    sources: slice.sources.map(sourceKeys),
    base_model: slice.baseModel === undefined ? undefined : modelKeys(slice.baseModel),
    parameters: settingsKeys(slice.parameters),
  });
}

export function sourceKeys({
  model,
  layerRange,
  parameters,
}: RecipeSource): Record<string, unknown> {
  return withoutAbsent({
    model: modelKeys(model),
    layer_range: [...layerRange],
    parameters: settingsKeys(parameters),
  });
}

export function tokenizerKeys(tokenizer: TokenizerSetting): Record<string, unknown> {
  const tokens = Object.entries(tokenizer.tokens).map(([text, { source, force }]) => [
    text,
    withoutAbsent({
      source: source === undefined ? undefined : tokenSourceKeys(source),
      force: force ? true : undefined,
    }),
  ]);
  return withoutAbsent({
    source: modelKeys(tokenizer.source),
    tokens: tokens.length === 0 ? undefined : (Object.fromEntries(tokens) as unknown),
    pad_to_multiple_of: tokenizer.padToMultipleOf,
  });
}

type TokenSourceOf = NonNullable<TokenizerSetting['tokens'][string]['source']>;

function tokenSourceKeys(source: TokenSourceOf): unknown {
  switch (source.kind) {
    case 'zero':
      return { kind: 'zero' };
    case 'model':
      return modelKeys(source.model);
    case 'modelToken': {
      const { token } = source;
      const named = typeof token === 'number' ? { token_id: token } : { token };
      return { kind: 'model_token', model: modelKeys(source.model), ...named };
    }
  }
}

/** Settings in alphabetical order, or `undefined` when there are none. */
export function settingsKeys(settings: Settings): Record<string, unknown> | undefined {
  return Object.keys(settings).length === 0 ? undefined : sorted(settings);
}

/** One setting, with its conditions' keys in a fixed order. */
export function settingKeys(setting: Setting): unknown {
  if (typeof setting !== 'object') return setting;
  return setting.map((entry) =>
    typeof entry === 'number' ? entry : withoutAbsent({ filter: entry.filter, value: entry.value }),
  );
}

function sorted(values: object): Record<string, unknown> {
  const entries = Object.entries(values) as [string, Setting | undefined][];
  return Object.fromEntries(
    entries
      .flatMap(([key, value]) =>
        value === undefined ? [] : [[key, settingKeys(value)] as [string, unknown]],
      )
      .sort(([left], [right]) => (left < right ? -1 : 1)),
  );
}

function withoutAbsent(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
