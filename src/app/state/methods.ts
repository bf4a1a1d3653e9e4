import { methodTexts as methods } from 'virtual:method-texts';
import type { MethodFamily, MethodId, MethodParameter } from '../../methods/method';
import type { ParameterValue } from '../../recipe/recipe';
import type { MethodText } from '../texts/method-text';

export { methods };

/** The method the page starts with: one idea, one formula, and the sliders act directly. */
export const firstMethodId: MethodId = 'task_arithmetic';

/** Where coefficients start: most collections merge well a little below one half. */
export const usualCoefficient = 0.4;

/** Methods that do not add task vectors up, so that each goes in at its full strength. */
const fullStrength: readonly MethodId[] = [
  'lines',
  'mb_ties',
  'mb_localize_and_stitch',
  'tsv_merge',
  'iso_c',
  'iso_cts',
  'wudi',
];

/**
 * Where the page starts instead of mergekit's default: with density 1 nothing is dropped, and the
 * methods would show nothing of what they are about. Recipes always carry the value.
 */
const startValues: Readonly<Partial<Record<MethodId, Readonly<Record<string, ParameterValue>>>>> = {
  ties: { density: 0.4 },
  dare_linear: { density: 0.5 },
  dare_ties: { density: 0.5 },
  della: { density: 0.5 },
  della_linear: { density: 0.5 },
  breadcrumbs: { density: 0.9 },
  breadcrumbs_ties: { density: 0.9 },
  sce: { select_topk: 0.1 },
  // Neither has a default: halfway, and about half of what a weight of the zoo changes.
  slerp: { t: 0.5 },
  nearswap: { t: 0.002 },
  // A fifth of the authors' steps: sliders merge by themselves, and a processor is slow at this.
  wudi: { steps: 60 },
};

/** The picker's groups, in its order. */
export const families: readonly { readonly id: MethodFamily; readonly title: string }[] = [
  { id: 'average', title: 'Averages' },
  { id: 'task-vectors', title: 'Task vectors' },
  { id: 'sparsified', title: 'Sparsified' },
  { id: 'geometric', title: 'Geometric' },
  { id: 'spectral', title: 'Spectral' },
];

export function methodOf(id: string): MethodText | undefined {
  return methods.find((method) => method.id === id);
}

/** As `methodOf`; an id of our own making always exists. */
export function knownMethod(id: string): MethodText {
  const method = methodOf(id) ?? methods[0];
  if (method === undefined) throw new Error('MergeLab bug: the registry of methods is empty');
  return method;
}

/**
 * Methods that a person may mean by `query`, best first: by name, then by what is said of them, what
 * can be set, and who wrote of them.
 */
export function methodsMatching(query: string): readonly MethodText[] {
  const words = plain(query).split(' ').filter(Boolean);
  const rankOf = ({ id, title, family, idea, parameters, source }: MethodText): number => {
    const name = plain(`${id} ${title}`);
    const settings = parameters.map((parameter) => parameter.name).join(' ');
    const group = plain(families.find((candidate) => candidate.id === family)?.title ?? '');
    const all = `${name} ${group} ${plain(`${idea} ${settings} ${source.text}`)}`;
    if (!words.every((word) => all.includes(word))) return 0;
    if (name.startsWith(words[0] ?? '') || plain(title).startsWith(words[0] ?? '')) return 3;
    // A group that is called so comes before a description that mentions the word.
    return words.every((word) => name.includes(word) || group.startsWith(word)) ? 2 : 1;
  };
  return methods
    .map((method) => ({ method, rank: rankOf(method) }))
    .filter(({ rank }) => rank > 0)
    .sort((left, right) => right.rank - left.rank)
    .map(({ method }) => method);
}

/** Small letters, digits and single spaces: `dare_ties`, `DARE-TIES` and `dare ties` are one. */
function plain(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

/** Whether the method takes a coefficient from every slider; others weigh the models themselves. */
export function usesCoefficients(method: MethodText): boolean {
  return method.parameters.some(({ name }) => name === 'weight');
}

/** The coefficient that the method is tried with first. */
export function startCoefficientOf({ id }: MethodText): number {
  return fullStrength.includes(id) ? 1 : usualCoefficient;
}

/** What a person sets for the whole merge: every parameter but the coefficients, which are sliders. */
export function settingsOf(method: MethodText): readonly MethodParameter[] {
  return method.parameters.filter(({ name }) => name !== 'weight');
}

/** The value a setting has until somebody changes it; undefined for one that starts left out. */
export function startValueOf(
  method: MethodText,
  parameter: MethodParameter,
): ParameterValue | undefined {
  const start = startValues[method.id]?.[parameter.name] ?? parameter.default;
  if (start !== undefined) return start;
  return isOptional(parameter) || parameter.kind !== 'number' ? undefined : parameter.range.max;
}

/** Whether a recipe may leave the parameter out, and then it has no value at all. */
export function isOptional(parameter: MethodParameter): boolean {
  return parameter.kind === 'number' && parameter.whenAbsent !== undefined;
}
