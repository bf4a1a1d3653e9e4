import { LabError } from '../core/errors';
import { dareLinear } from './dare-linear';
import { linear } from './linear';
import type { MergeMethod, MethodDefinition, MethodOptions } from './method';
import { defaultOptions } from './parameters';
import { taskArithmetic } from './task-arithmetic';
import { ties } from './ties';

/** In the order of the page's picker. */
export const methods: readonly MergeMethod[] = [linear, taskArithmetic, ties, dareLinear];

/** @throws LabError `recipe/unknown-method` that lists the methods there are */
export function findMethod(id: string): MergeMethod {
  const method = methods.find((candidate) => candidate.id === id);
  if (method !== undefined) return method;
  const known = methods.map((candidate) => candidate.id).join(', ');
  throw new LabError(
    'recipe/unknown-method',
    `There is no merging method called "${id}". Choose one of: ${known}.`,
    { details: { method: id } },
  );
}

const definitions = new WeakMap<MergeMethod, Map<string, MethodDefinition>>();

/**
 * `method.define(options)`, with missing options at their defaults; the same object for the same
 * options, so that back ends compile its kernels once.
 */
export function defineMethod(method: MergeMethod, options: MethodOptions = {}): MethodDefinition {
  const whole = { ...defaultOptions(method), ...options };
  const known = definitions.get(method) ?? new Map<string, MethodDefinition>();
  definitions.set(method, known);
  const key = JSON.stringify(Object.entries(whole).sort(([a], [b]) => (a < b ? -1 : 1)));
  const definition = known.get(key) ?? method.define(whole);
  known.set(key, definition);
  return definition;
}
