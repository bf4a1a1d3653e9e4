import type { Expr } from '../../expr/expr';
import type { MergeMethod, MethodId, MethodParameter } from '../../methods/method';
import { defineMethod, methods } from '../../methods/registry';
import type { ParameterValue } from '../../recipe/recipe';

export { methods };

/** The method the page starts with: one idea, one formula, and the sliders act directly. */
export const firstMethodId: MethodId = 'task_arithmetic';

/**
 * Where the page starts instead of mergekit's default: with density 1 nothing is dropped, and the
 * two methods would show nothing of what they are about. Recipes always carry the value.
 */
const startValues: Readonly<Record<string, Readonly<Record<string, ParameterValue>>>> = {
  ties: { density: 0.4 },
  dare_linear: { density: 0.5 },
};

export function methodOf(id: string): MergeMethod | undefined {
  return methods.find((method) => method.id === id);
}

/** As `methodOf`; an id of our own making always exists. */
export function knownMethod(id: string): MergeMethod {
  const method = methodOf(id) ?? methods[0];
  if (method === undefined) throw new Error('MergeLab bug: the registry of methods is empty');
  return method;
}

/** What a person sets for the whole merge: every parameter but the coefficients, which are sliders. */
export function settingsOf(method: MergeMethod): readonly MethodParameter[] {
  return method.parameters.filter(({ name }) => name !== 'weight');
}

/** The value a setting has until somebody changes it, and after its reset. */
export function startValueOf(method: MergeMethod, parameter: MethodParameter): ParameterValue {
  return startValues[method.id]?.[parameter.name] ?? parameter.default ?? 1;
}

/** Whether the method draws random masks, so that its result depends on a seed. */
export function drawsAtRandom(method: MergeMethod): boolean {
  return hasRandomBits(defineMethod(method).output, new Set());
}

function hasRandomBits(node: Expr, seen: Set<Expr>): boolean {
  if (node.op === 'randomBits') return true;
  if (seen.has(node)) return false;
  seen.add(node);
  return node.args.some((arg) => hasRandomBits(arg, seen));
}
