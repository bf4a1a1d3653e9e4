import { LabError } from '../core/errors';
import { dareLinear } from './dare-linear';
import { linear } from './linear';
import type { MergeMethod, MethodDefinition, MethodOptions } from './method';
import { defaultOptions } from './parameters';
import { taskArithmetic } from './task-arithmetic';
import { ties } from './ties';

/** In the order of the page's picker. Equal options give the very same definition object. */
export const methods: readonly MergeMethod[] = [linear, taskArithmetic, ties, dareLinear].map(
  withRememberedDefinitions,
);

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

/** `method.define(options)` with missing options at their defaults. */
export function defineMethod(method: MergeMethod, options: MethodOptions = {}): MethodDefinition {
  return method.define({ ...defaultOptions(method), ...options });
}

/** Back ends know expressions by identity: with one definition they compile its kernels once. */
function withRememberedDefinitions(method: MergeMethod): MergeMethod {
  const known = new Map<string, MethodDefinition>();
  return {
    ...method,
    define: (options) => {
      const entries = Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1));
      const key = JSON.stringify(entries);
      const definition = known.get(key) ?? method.define(options);
      known.set(key, definition);
      return definition;
    },
  };
}
