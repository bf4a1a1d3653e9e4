import { LabError } from '../core/errors';
import { base } from '../expr/build';
import { arceeFusion } from './arcee-fusion';
import { breadcrumbs } from './breadcrumbs';
import { breadcrumbsTies } from './breadcrumbs-ties';
import { dareLinear } from './dare-linear';
import { dareTies } from './dare-ties';
import { della } from './della';
import { dellaLinear } from './della-linear';
import { isoC } from './iso-c';
import { isoCts } from './iso-cts';
import { karcher } from './karcher';
import { linear } from './linear';
import { lines } from './lines';
import { magmax } from './magmax';
import { mbConsensus } from './mb-consensus';
import { mbDare } from './mb-dare';
import { mbLocalizeAndStitch } from './mb-localize-and-stitch';
import { mbModelSoup } from './mb-model-soup';
import { mbTaskArithmetic } from './mb-task-arithmetic';
import { mbTies } from './mb-ties';
import type {
  MergeMethod,
  MethodDefinition,
  MethodInputs,
  MethodOptions,
  TensorRole,
} from './method';
import { modelStock } from './model-stock';
import { multislerp } from './multislerp';
import { nearswap } from './nearswap';
import { nuslerp } from './nuslerp';
import { defaultOptions } from './parameters';
import { passthrough } from './passthrough';
import { pcb } from './pcb';
import { ram } from './ram';
import { ramplusTl } from './ramplus-tl';
import { sce } from './sce';
import { slerp } from './slerp';
import { taskArithmetic } from './task-arithmetic';
import { ties } from './ties';
import { tsvMerge } from './tsv-merge';
import { wudi } from './wudi';

/** In the order of the page's picker. Equal options give the very same definition object. */
export const methods: readonly MergeMethod[] = [
  linear,
  slerp,
  nuslerp,
  multislerp,
  karcher,
  modelStock,
  taskArithmetic,
  ties,
  dareLinear,
  dareTies,
  della,
  dellaLinear,
  breadcrumbs,
  breadcrumbsTies,
  sce,
  ram,
  ramplusTl,
  nearswap,
  arceeFusion,
  passthrough,
  lines,
  magmax,
  pcb,
  mbModelSoup,
  mbTaskArithmetic,
  mbTies,
  mbDare,
  mbConsensus,
  mbLocalizeAndStitch,
  tsvMerge,
  isoC,
  isoCts,
  wudi,
].map(withRememberedDefinitions);

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
