import { quoted } from '../formats/text';
import type { MergeMethod } from '../methods/method';
import { methods } from '../methods/registry';
import { nearestName } from '../recipe/nearest-name';
import type { Settings } from '../recipe/recipe';
import type { Finding } from './finding';
import { FindingList } from './finding-list';
import type { PlannedTensor } from './plan-tensor';
import type { ResolvedMerge } from './resolve-recipe';

/**
 * Parameters of mergekit 0.1.4 that methods here may not read. mergekit ignores what a method does
 * not know, and a recipe keeps its parameters when its method is changed.
 */
const knownElsewhere = ['int8_mask', 'gamma', 'epsilon', 't', 'select_topk', 'filter_wise'];

/** Methods of mergekit in which a density of 1, the default, drops nothing. */
const dropsByDensity = /^(ties|dare|della|breadcrumbs)/;

/** What in a recipe's parameters is probably not meant. mergekit is silent about all of it. */
export function parameterFindings(
  merge: ResolvedMerge,
  tensors: readonly PlannedTensor[],
): readonly Finding[] {
  const findings = new FindingList();
  checkNames(merge, findings);
  checkDensity(merge, findings);
  if (merge.method.id === 'linear') checkWeights(tensors, findings);
  return findings.all();
}

function checkNames({ method, slices }: ResolvedMerge, findings: FindingList): void {
  const known = new Set(methods.flatMap((one) => one.parameters.map(({ name }) => name)));
  for (const { settings, base, specialists } of slices) {
    const owners = [...(base === undefined ? [] : [base]), ...specialists];
    for (const one of settings) checkSettings(one, 'the recipe', [], known, findings);
    for (const { model, settings: own } of owners) {
      for (const one of own) {
        checkSettings(one, quoted(model), [model], known, findings);
        checkScopes(one, model, method, findings);
      }
    }
  }
}

function checkSettings(
  settings: Settings,
  owner: string,
  models: readonly string[],
  known: ReadonlySet<string>,
  findings: FindingList,
): void {
  for (const name of Object.keys(settings)) {
    if (known.has(name) || knownElsewhere.includes(name)) continue;
    const meant = nearestName(name, [...known]);
    const remedy = meant === undefined ? 'remove it' : `did you mean "${meant}"?`;
    findings.add(`unknown ${name}`, {
      severity: meant === undefined ? 'warning' : 'error',
      code: 'recipe/unknown-key',
      sentence: `No merging method has the parameter ${quoted(name)} of ${owner}; ${remedy}`,
      models,
    });
  }
}

function checkScopes(
  settings: Settings,
  model: string,
  method: MergeMethod,
  findings: FindingList,
): void {
  for (const { name, scope } of method.parameters) {
    if (scope === 'model' || !Object.hasOwn(settings, name)) continue;
    findings.add(`scope ${name}`, {
      severity: 'warning',
      code: 'recipe/bad-value',
      sentence: `${quoted(name)} of ${quoted(model)} has no effect, for it is one value for the whole merge; move it to the parameters of the recipe.`,
      models: [model],
    });
  }
}

function checkDensity({ method, slices }: ResolvedMerge, findings: FindingList): void {
  const hasDensity = method.parameters.some(({ name }) => name === 'density');
  if (!hasDensity || !dropsByDensity.test(method.id)) return;
  const all = slices.flatMap(({ settings, specialists }) => [
    ...settings,
    ...specialists.flatMap((source) => source.settings),
  ]);
  if (all.some((settings) => Object.hasOwn(settings, 'density'))) return;
  findings.add('density', {
    severity: 'note',
    code: 'recipe/missing-parameter',
    sentence: `The recipe gives no density, so ${method.title} drops nothing; add density: 0.5 to keep half of the changes.`,
    models: [],
  });
}

function checkWeights(tensors: readonly PlannedTensor[], findings: FindingList): void {
  for (const tensor of tensors) {
    if (tensor.kind === 'copy' || tensor.options['normalize'] !== true) continue;
    const weights = tensor.numbers.perModel['weight'] ?? [];
    const sum = weights.reduce((total, weight) => Math.fround(total + Math.fround(weight)), 0);
    if (sum !== 0) continue;
    findings.add('weight sum', {
      severity: 'warning',
      code: 'recipe/bad-value',
      sentence: `The weights of tensor ${quoted(tensor.name)} sum to 0, and the merge divides by their sum; change a weight, or set normalize: false.`,
      models: [],
      tensor: tensor.name,
    });
  }
}
