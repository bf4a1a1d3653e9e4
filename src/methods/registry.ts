import { LabError } from '../core/errors';
import { dareLinear } from './dare-linear';
import { linear } from './linear';
import { base } from '../expr/build';
import type {
  MergeMethod,
  MethodDefinition,
  MethodInputs,
  MethodOptions,
  TensorRole,
} from './method';
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

/** `method.define` with missing options at their defaults; see `definitionFor` for roles. */
export function defineMethod(
  method: MergeMethod,
  options: MethodOptions = {},
  inputs: Partial<MethodInputs> = {},
  role: TensorRole = 'other',
): MethodDefinition {
  const complete: MethodInputs = {
    specialistCount: method.specialistCount.min,
    hasBase: method.base === 'required',
    random: 'lab',
    ...inputs,
  };
  return definitionFor(method, { ...defaultOptions(method), ...options }, complete, role);
}

/** A tensor that a method leaves alone. */
const untouched: MethodDefinition = { passes: [], output: base };

/** What a method does with a tensor of the given role. */
export function definitionFor(
  method: MergeMethod,
  options: MethodOptions,
  inputs: MethodInputs,
  role: TensorRole,
): MethodDefinition {
  if (method.keepsBase?.(role, options) === true) return untouched;
  if (role === 'matrix' && method.defineMatrix) return method.defineMatrix(options, inputs);
  return method.define(options, inputs);
}

type Define = MergeMethod['define'];

/** Back ends know expressions by identity: with one definition they compile its kernels once. */
function withRememberedDefinitions(method: MergeMethod): MergeMethod {
  const { defineMatrix } = method;
  return {
    ...method,
    define: remembered(method.define),
    ...(defineMatrix === undefined ? {} : { defineMatrix: remembered(defineMatrix) }),
  };
}

function remembered(define: Define): Define {
  const known = new Map<string, MethodDefinition>();
  return (options, inputs) => {
    const entries = Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1));
    const { specialistCount, hasBase, random } = inputs;
    const key = JSON.stringify([entries, specialistCount, hasBase, random]);
    const definition = known.get(key) ?? define(options, inputs);
    known.set(key, definition);
    return definition;
  };
}
