import { isGradient } from './evaluate-setting';
import { formatModelReference, parseModelReference } from './model-reference';
import type {
  ConditionalValue,
  LabSettings,
  ParameterValue,
  Recipe,
  RecipeModel,
  RecipeSlice,
  Setting,
  Settings,
  TokenizerSetting,
  TokenSource,
} from './recipe';

/**
 * The one form of all recipes that mean the same: switches as 0 and 1, lists of one value and single
 * conditions that always hold as that value, conditions that are never reached left out, likewise
 * what is the default by itself (seed 0, an `outDtype` equal to `dtype`), and what only people read
 * (name and notes). The order of models stays: sums and random masks depend on it.
 */
export function canonicalRecipe(recipe: Recipe): Recipe {
  const { dtype, outDtype, tokenizer, chatTemplate } = recipe;
  const baseModel = recipe.baseModel === undefined ? undefined : canonicalModel(recipe.baseModel);
  const slices = recipe.slices?.map((slice) => canonicalSlice(slice, baseModel));
  const mergelab = canonicalLab(recipe.mergelab ?? {});
  return {
    mergeMethod: recipe.mergeMethod,
    ...(baseModel === undefined ? {} : { baseModel }),
    models: recipe.models.map(canonicalEntry),
    ...(slices === undefined || slices.length === 0 ? {} : { slices }),
    parameters: canonicalSettings(recipe.parameters),
    ...(dtype === undefined ? {} : { dtype }),
    ...(outDtype === undefined || outDtype === dtype ? {} : { outDtype }),
    ...(tokenizer === undefined ? {} : { tokenizer: canonicalTokenizer(tokenizer) }),
    ...(chatTemplate === undefined ? {} : { chatTemplate }),
    ...(Object.keys(mergelab).length === 0 ? {} : { mergelab }),
  };
}

function canonicalModel(model: string): string {
  try {
    return formatModelReference(parseModelReference(model));
  } catch {
    // Whoever opens the models says what is wrong with it.
    return model;
  }
}

function canonicalEntry<Entry extends RecipeModel>(entry: Entry): Entry {
  return {
    ...entry,
    model: canonicalModel(entry.model),
    parameters: canonicalSettings(entry.parameters),
  };
}

function canonicalSlice(slice: RecipeSlice, recipeBase: string | undefined): RecipeSlice {
  const baseModel = slice.baseModel === undefined ? undefined : canonicalModel(slice.baseModel);
  return {
    sources: slice.sources.map(canonicalEntry),
    ...(baseModel === undefined || baseModel === recipeBase ? {} : { baseModel }),
    parameters: canonicalSettings(slice.parameters),
  };
}

function canonicalSettings(settings: Settings): Settings {
  return Object.fromEntries(
    Object.entries(settings)
      .map(([name, setting]): [string, Setting] => [name, canonicalSetting(setting)])
      .sort(([left], [right]) => (left < right ? -1 : 1)),
  );
}

function canonicalSetting(setting: Setting): Setting {
  if (typeof setting !== 'object' || isGradient(setting)) return canonicalValue(setting);
  const conditions: ConditionalValue[] = [];
  for (const { filter, value } of setting) {
    const isForAll = filter === undefined || filter === '' || filter === '*';
    const canonical = canonicalValue(value);
    conditions.push(isForAll ? { value: canonical } : { filter, value: canonical });
    if (isForAll) break;
  }
  const [first] = conditions;
  return first !== undefined && first.filter === undefined ? first.value : conditions;
}

function canonicalValue(
  value: ParameterValue | readonly number[],
): ParameterValue | readonly number[] {
  if (typeof value === 'boolean') return Number(value);
  // -0 and 0 are one value in every formula but as a divisor, where neither is allowed.
  if (typeof value === 'number') return value + 0;
  if (typeof value === 'string') return value;
  const [only, second] = value;
  return only !== undefined && second === undefined ? only + 0 : value.map((each) => each + 0);
}

function canonicalTokenizer({
  source,
  tokens,
  padToMultipleOf,
}: TokenizerSetting): TokenizerSetting {
  const isName = source === 'union' || source === 'base';
  const sorted = Object.entries(tokens)
    .map(([text, token]): [string, (typeof tokens)[string]] => [
      text,
      {
        ...(token.source === undefined ? {} : { source: canonicalTokenSource(token.source) }),
        force: token.force,
      },
    ])
    .sort(([left], [right]) => (left < right ? -1 : 1));
  return {
    source: isName ? source : canonicalModel(source),
    tokens: Object.fromEntries(sorted),
    ...(padToMultipleOf === undefined || padToMultipleOf === 1 ? {} : { padToMultipleOf }),
  };
}

function canonicalTokenSource(source: TokenSource): TokenSource {
  return source.kind === 'zero' ? source : { ...source, model: canonicalModel(source.model) };
}

function canonicalLab({ seed = 0, granularity, random = 'lab' }: LabSettings): LabSettings {
  return {
    ...(seed === 0 ? {} : { seed }),
    // Some methods rank over the whole model unless told otherwise, so `tensor` is not the default.
    ...(granularity === undefined ? {} : { granularity }),
    ...(random === 'lab' ? {} : { random }),
  };
}
