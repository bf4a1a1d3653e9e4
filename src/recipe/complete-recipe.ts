import { recipeDtypes } from './recipe';
import { recipeKeyTable, type RecipeKey } from './recipe-keys';
import { placeAt, type RecipePlace } from './recipe-place';
import type { RecipeVocabulary } from './vocabulary';

/** One proposal for the word that is being written. */
export interface RecipeCompletion {
  readonly label: string;
  /** One plain sentence, or nothing. */
  readonly detail: string;
  readonly kind: 'key' | 'parameter' | 'method' | 'model' | 'value';
  /** What to write in place of the word, where that is more than the label. */
  readonly apply?: string;
}

export interface RecipeCompletions {
  /** Start of the word that a proposal replaces. */
  readonly from: number;
  /** Everything that may stand there; the editor narrows it by what is written. */
  readonly options: readonly RecipeCompletion[];
}

/** The names that completion and hover know. */
export interface EditorNames {
  readonly vocabulary?: RecipeVocabulary;
  /** Models at hand. */
  readonly models?: readonly string[];
}

/** What may be written at an offset of a recipe that may be half finished. */
export function completionsAt(
  text: string,
  offset: number,
  names: EditorNames = {},
): RecipeCompletions {
  const place = placeAt(text, offset);
  const options =
    place.writes === 'key' ? keyOptions(text, place, names) : valueOptions(text, place, names);
  return { from: place.word.from, options };
}

/** What the key, parameter or method at an offset is, in plain words. */
export function hoverAt(
  text: string,
  offset: number,
  { vocabulary }: EditorNames = {},
): { readonly from: number; readonly to: number; readonly text: string } | undefined {
  const { from, to } = placeAt(text, offset).word;
  const name = text.slice(from, to);
  const place = placeAt(text, from);
  const { within } = place;
  let meaning: string | undefined;
  if (place.writes === 'value') {
    if (place.key?.value === 'method') meaning = vocabulary?.methodMeaning?.(name);
  } else if (within === 'parameters') {
    const method = methodAt(text, offset, vocabulary);
    meaning =
      method === undefined ? undefined : vocabulary?.parameterFacts?.(method, name)?.meaning;
  } else if (within !== undefined && Object.hasOwn(recipeKeyTable[within], name)) {
    meaning = recipeKeyTable[within][name]?.meaning;
  }
  return meaning === undefined || name === '' ? undefined : { from, to, text: meaning };
}

/** Keys of which a recipe has only one. */
const alternatives = [
  ['models', 'slices', 'modules'],
  ['tokenizer', 'tokenizer_source'],
];

function keyOptions(text: string, place: RecipePlace, names: EditorNames): RecipeCompletion[] {
  const { within, present, word } = place;
  if (within === undefined) return [];
  const hasColon = /^\s*:/.test(text.slice(word.to));
  const apply = (label: string): { apply?: string } => (hasColon ? {} : { apply: `${label}: ` });
  const isFree = (name: string): boolean => {
    const group = alternatives.find((each) => each.includes(name)) ?? [name];
    return !group.some((other) => present.includes(other));
  };
  if (within === 'parameters') {
    return parameterOptions(text, place, names)
      .filter(({ label }) => isFree(label))
      .map((option) => ({ ...option, ...apply(option.label) }));
  }
  return Object.entries(recipeKeyTable[within])
    .filter(([name]) => isFree(name))
    .map(([label, key]) => ({ label, detail: key.meaning, kind: 'key', ...apply(label) }));
}

function parameterOptions(
  text: string,
  { scope, word }: RecipePlace,
  { vocabulary }: EditorNames,
): RecipeCompletion[] {
  const method = methodAt(text, word.from, vocabulary);
  if (vocabulary === undefined || method === undefined) return [];
  return vocabulary.parametersOf(method).flatMap((label) => {
    const facts = vocabulary.parameterFacts?.(method, label);
    // A model's parameter may stand at the top, as the value of all models.
    if (scope === 'model' && facts?.scope === 'method') return [];
    return [{ label, detail: facts?.meaning ?? '', kind: 'parameter' as const }];
  });
}

function valueOptions(text: string, place: RecipePlace, names: EditorNames): RecipeCompletion[] {
  const { vocabulary } = names;
  if (place.within === 'parameters' || place.within === 'condition') {
    const method = methodAt(text, place.word.from, vocabulary);
    const name = place.within === 'parameters' ? place.keyName : undefined;
    if (method === undefined || name === undefined) return [];
    const facts = vocabulary?.parameterFacts?.(method, name);
    return plain(facts?.kind === 'switch' ? ['true', 'false'] : (facts?.choices ?? []));
  }
  return place.key === undefined ? [] : valuesOf(text, place.key, names);
}

function valuesOf(text: string, key: RecipeKey, names: EditorNames): RecipeCompletion[] {
  const { vocabulary } = names;
  switch (key.value) {
    case 'method':
      return (vocabulary?.methods ?? []).map((label) => ({
        label,
        detail: vocabulary?.methodMeaning?.(label) ?? '',
        kind: 'method',
      }));
    case 'model':
    case 'tokenSource':
      return modelOptions(text, names);
    case 'tokenizerSource':
      return [...plain(['union', 'base']), ...modelOptions(text, names)];
    case 'dtype':
      return plain(recipeDtypes);
    case 'switch':
      return plain(['true', 'false']);
    case 'choice':
      return plain(key.choices ?? []);
    case 'text':
    case 'number':
    case 'list':
    case 'map':
      return [];
  }
}

/** Models at hand, and the results of other documents. */
function modelOptions(text: string, { models = [] }: EditorNames): RecipeCompletion[] {
  const documents = [...text.matchAll(/^name\s*:\s*["']?([\w. -]*\w)/gm)].map(
    ([, name]) => name ?? '',
  );
  return [
    ...models.map((label) => ({ label, detail: '', kind: 'model' as const })),
    ...documents.map((label) => ({
      label,
      detail: 'The result of the document of this name.',
      kind: 'model' as const,
    })),
  ];
}

function plain(labels: readonly string[]): RecipeCompletion[] {
  return labels.map((label) => ({ label, detail: '', kind: 'value' }));
}

/** The method of the document around an offset. */
function methodAt(
  text: string,
  offset: number,
  vocabulary: RecipeVocabulary | undefined,
): string | undefined {
  const start = text.lastIndexOf('\n---', offset) + 1;
  const next = text.indexOf('\n---', offset);
  const document = text.slice(start, next < 0 ? text.length : next);
  const method = /^\s*["']?merge_method["']?\s*:\s*["']?(\w+)/m.exec(document)?.[1];
  return method !== undefined && vocabulary?.methods.includes(method) === true ? method : undefined;
}
