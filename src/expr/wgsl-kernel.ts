import type { FloatDtype } from '../core/dtype';
import { invariant } from '../core/errors';
import { chunkElements } from './backend';
import type { Expr } from './expr';
import type { InputLayout } from './input-layout';
import { specialistCountOf } from './input-layout';
import type { Reduction } from './reduction';
import { wgslLoads, wgslPairSum, wgslRandom, wgslRounds } from './wgsl-functions';
import { memberName, printBody } from './wgsl-print';

/** Guaranteed everywhere. */
export const workgroupSize = 256;

/** A word of the parameter buffer, or one word per model. */
export interface ParameterField {
  readonly name: string;
  readonly source: 'slice' | 'offset' | 'scalar' | 'perModel';
  readonly type: 'f32' | 'u32';
  /** 1, or the number of entries of an array. */
  readonly length: number;
}

/** All a device has to know of a kernel: plain data that can be shown, compared and tested. */
export interface WgslKernel {
  readonly label: string;
  readonly wgsl: string;
  readonly fields: readonly ParameterField[];
  /** Workgroups for a slice: along the elements, and one layer per model of a per-model reduction. */
  readonly groups: (elementCount: number) => { readonly count: number; readonly layers: number };
  /** Words of the result. */
  readonly resultWords: (elementCount: number) => number;
}

export interface ShaderText {
  /** Name in messages and tools. */
  readonly label: string;
  /** What the kernel computes, as a formula; may have several lines. */
  readonly formula: string;
}

/** Merges two 16-bit elements, or one of 32 bits, an invocation. */
export function printMap(
  output: Expr<'f32'>,
  outDtype: FloatDtype,
  layout: InputLayout,
  text: ShaderText = { label: 'merge', formula: 'the expression in `element`' },
): WgslKernel {
  const perInvocation = outDtype === 'F32' ? 1 : 2;
  const body = printBody(output);
  const fields = fieldsOf([output], layout);
  const main =
    outDtype === 'F32'
      ? `  if (place >= params.elementCount) { return; }
  result[place] = bitcast<u32>(element(place, 0u));`
      : `  let i = 2u * place;
  if (i >= params.elementCount) { return; }
  var pair = ${roundName(outDtype)}(element(i, 0u));
  if (i + 1u < params.elementCount) { pair |= ${roundName(outDtype)}(element(i + 1u, 0u)) << 16u; }
  result[place] = pair;`;
  const wgsl = `${header(
    text,
    `${perInvocation === 1 ? 'one merged weight' : 'two neighbouring merged weights'}, each`,
    layout,
    `array<u32>  merged weights, ${packing(outDtype)}`,
    `ceil(elementCount / ${perInvocation * workgroupSize}) workgroups, in rows of at most 65535`,
    'f32, rounded once to nearest even',
  )}
${declarations(fields, layout, 'array<u32>')}
${helpers([output], layout)}${outDtype === 'F32' ? '' : `\n${wgslRounds[outDtype]}\n`}
${elementFunction('f32', body)}

@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let place = (group.y * groups.x + group.x) * ${workgroupSize}u + local;
${main}
}
`;
  return {
    label: text.label,
    wgsl,
    fields,
    groups: (elementCount) => ({
      count: Math.ceil(elementCount / (perInvocation * workgroupSize)),
      layers: 1,
    }),
    resultWords: (elementCount) => Math.ceil(elementCount / perInvocation),
  };
}

/** Reduces one chunk a workgroup; the host joins the chunks, and reads bins as they are. */
export function printReduction(
  reduction: Reduction,
  layout: InputLayout,
  text: ShaderText = { label: reduction.kind, formula: 'the expression in `element`' },
): WgslKernel {
  const layers = reduction.perModel ? specialistCountOf(layout) : 1;
  return reduction.kind === 'histogram'
    ? printHistogram(reduction, layout, layers, text)
    : printChunks(reduction, layout, layers, text);
}

function printChunks(
  reduction: Exclude<Reduction, { kind: 'histogram' }>,
  layout: InputLayout,
  layers: number,
  text: ShaderText,
): WgslKernel {
  const { type, start, take, join, helper } = chunkParts[reduction.kind];
  const fields = fieldsOf([reduction.of], layout);
  const wgsl = `${header(
    text,
    `one ${reduction.kind} over a chunk of ${chunkElements} elements (a workgroup does)`,
    layout,
    `array<${type}>  results, [model, chunk]`,
    'one workgroup a chunk, in rows of at most 65535, one layer a model',
    'a sum is a pair of f32, high and low part; chunks are joined in float64 by the host',
  )}
${declarations(fields, layout, `array<${type}>`)}
${helpers([reduction.of], layout)}${helper}
${elementFunction(reduction.of.type, printBody(reduction.of))}

var<workgroup> partial: array<${type}, ${workgroupSize}>;

@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let chunk = group.y * groups.x + group.x;
  let k = group.z;
  let chunkCount = (params.elementCount + ${chunkElements - 1}u) / ${chunkElements}u;
  if (chunk >= chunkCount) { return; }
  let first = chunk * ${chunkElements}u;
  let end = min(first + ${chunkElements}u, params.elementCount);
  var own = ${start};
  for (var i = first + local; i < end; i += ${workgroupSize}u) {
    own = ${take};
  }
  partial[local] = own;
  for (var half = ${workgroupSize / 2}u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) { partial[local] = ${join}; }
  }
  if (local == 0u) { result[k * chunkCount + chunk] = partial[0]; }
}
`;
  const words = type === 'vec2f' ? 2 : 1;
  return {
    label: text.label,
    wgsl,
    fields,
    groups: (elementCount) => ({ count: Math.ceil(elementCount / chunkElements), layers }),
    resultWords: (elementCount) => words * layers * Math.ceil(elementCount / chunkElements),
  };
}

/** How a workgroup reduces a chunk: each invocation takes in its elements, then halves join. */
const chunkParts = {
  sum: {
    type: 'vec2f',
    start: 'vec2f(0.0)',
    take: 'addPair(own, vec2f(exactly(element(i, k)), 0.0))',
    join: 'addPair(partial[local], partial[local + half])',
    helper: wgslPairSum,
  },
  count: {
    type: 'u32',
    start: '0u',
    take: 'own + u32(element(i, k))',
    join: 'partial[local] + partial[local + half]',
    helper: '',
  },
  max: {
    type: 'f32',
    // Infinity has no literal; the chunk's own first element serves as well.
    start: 'element(first, k)',
    take: 'max(own, element(i, k))',
    join: 'max(partial[local], partial[local + half])',
    helper: '',
  },
} as const;

function printHistogram(
  reduction: Extract<Reduction, { kind: 'histogram' }>,
  layout: InputLayout,
  layers: number,
  text: ShaderText,
): WgslKernel {
  const fields = fieldsOf([reduction.bin, reduction.when], layout);
  const { binCount } = reduction;
  const wgsl = `${header(
    text,
    `how often each of ${binCount} bins occurs in a chunk (a workgroup does)`,
    layout,
    `array<u32>  counts, [model, bin], zero at first`,
    'one workgroup a chunk, in rows of at most 65535, one layer a model',
    'integers',
  )}
${declarations(fields, layout, 'array<atomic<u32>>')}
${helpers([reduction.bin, reduction.when], layout)}
${elementFunction('u32', printBody(reduction.bin), 'binOf')}

${elementFunction('bool', printBody(reduction.when), 'counts')}

var<workgroup> bins: array<atomic<u32>, ${binCount}>;

@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let k = group.z;
  let first = (group.y * groups.x + group.x) * ${chunkElements}u;
  let end = min(first + ${chunkElements}u, params.elementCount);
  for (var i = first + local; i < end; i += ${workgroupSize}u) {
    if (counts(i, k)) { atomicAdd(&bins[min(binOf(i, k), ${binCount - 1}u)], 1u); }
  }
  workgroupBarrier();
  for (var bin = local; bin < ${binCount}u; bin += ${workgroupSize}u) {
    let count = atomicLoad(&bins[bin]);
    if (count > 0u) { atomicAdd(&result[k * ${binCount}u + bin], count); }
  }
}
`;
  return {
    label: text.label,
    wgsl,
    fields,
    groups: (elementCount) => ({ count: Math.ceil(elementCount / chunkElements), layers }),
    resultWords: () => layers * binCount,
  };
}

function roundName(dtype: 'BF16' | 'F16'): string {
  return dtype === 'BF16' ? 'roundBf16' : 'roundF16';
}

function packing(dtype: FloatDtype): string {
  return dtype === 'F32' ? 'f32 bits' : `${dtype.toLowerCase()}, two to a word`;
}

function header(
  text: ShaderText,
  invocation: string,
  layout: InputLayout,
  result: string,
  dispatch: string,
  arithmetic: string,
): string {
  const dtypes = [...new Set(layout.dtypes)].map(packing).join('; ');
  const models = layout.hasBase ? 'the base, then the specialists' : 'the models';
  const formula = text.formula.split('\n').map((line) => `//   ${line}`);
  return [
    `// ${text.label}: an invocation computes ${invocation}`,
    ...formula,
    '//',
    '// Bindings',
    `//   0  weights  array<u32>  ${models}, one after another (${dtypes})`,
    '//   1  params   Params      counts, where each model begins, parameters of the method',
    `//   2  result   ${result}`,
    `// Dispatch: ${dispatch}.`,
    `// Arithmetic: ${arithmetic}.`,
    '',
  ].join('\n');
}

function declarations(
  fields: readonly ParameterField[],
  layout: InputLayout,
  resultType: string,
): string {
  const members = fields.map(({ name, type, length, source }) => {
    const isArray = source === 'offset' || source === 'perModel';
    return `  ${memberName(name)}: ${isArray ? `array<${type}, ${length}>` : type},`;
  });
  return `const MODELS = ${specialistCountOf(layout)}u;

struct Params {
${members.join('\n')}
}

@group(0) @binding(0) var<storage, read> weights: array<u32>;
@group(0) @binding(1) var<storage, read> params: Params;
@group(0) @binding(2) var<storage, read_write> result: ${resultType};
`;
}

function helpers(roots: readonly Expr[], layout: InputLayout): string {
  const loads = [...new Set(layout.dtypes)].map((dtype) => wgslLoads[dtype]);
  const parts = [...loads, accessors(layout)];
  if (leavesOf(roots).some(({ op }) => op === 'randomBits')) parts.push(wgslRandom);
  return `${parts.join('\n\n')}\n`;
}

const loadNames = { BF16: 'loadBf16', F16: 'loadF16', F32: 'loadF32' } as const;

/** `base(i)` and `specialist(k, i)`, with a case per model only where dtypes differ. */
function accessors({ hasBase, dtypes }: InputLayout): string {
  const first = hasBase ? 1 : 0;
  const specialists = dtypes.slice(first);
  const [usual = 'F32'] = specialists;
  const model = hasBase ? 'k + 1u' : 'k';
  const cases = specialists.flatMap((dtype, k) =>
    dtype === usual ? [] : [`  if (k == ${k}u) { return ${loadNames[dtype]}(${model}, i); }`],
  );
  const lines = [
    'fn specialist(k: u32, i: u32) -> f32 {',
    ...cases,
    `  return ${loadNames[usual]}(${model}, i);`,
    '}',
  ];
  const [baseDtype] = dtypes;
  if (!hasBase || baseDtype === undefined) return lines.join('\n');
  return [`fn base(i: u32) -> f32 { return ${loadNames[baseDtype]}(0u, i); }`, ...lines].join('\n');
}

function elementFunction(
  type: string,
  { statements, value }: ReturnType<typeof printBody>,
  name = 'element',
): string {
  const result = /^\((.*)\)$/.test(value) && isEnclosed(value) ? value.slice(1, -1) : value;
  return [
    `fn ${name}(i: u32, k: u32) -> ${type} {`,
    ...statements.map((line) => `  ${line}`),
    `  return ${result};`,
    '}',
  ].join('\n');
}

/** Whether the first parenthesis closes at the very end. */
function isEnclosed(text: string): boolean {
  let depth = 0;
  return [...text].every((character, index) => {
    if (character === '(') depth++;
    if (character === ')') depth--;
    return depth > 0 || index === text.length - 1;
  });
}

/** Words every kernel has, then the names its expressions read, in order of first use. */
function fieldsOf(roots: readonly Expr[], layout: InputLayout): readonly ParameterField[] {
  const slice = (name: string): ParameterField => ({
    name,
    source: 'slice',
    type: 'u32',
    length: 1,
  });
  const fields: ParameterField[] = [
    ...['elementCount', 'firstElement', 'seed', 'tensorKey', 'zero'].map(slice),
    { name: 'offset', source: 'offset', type: 'u32', length: layout.dtypes.length },
  ];
  for (const { op, name, type } of leavesOf(roots)) {
    if (op !== 'scalar' && op !== 'perModel') continue;
    if (fields.some((field) => field.name === name)) continue;
    invariant(type !== 'bool', 'the host gives numbers');
    const length = op === 'scalar' ? 1 : specialistCountOf(layout);
    fields.push({ name, source: op, type, length });
  }
  return fields;
}

function leavesOf(roots: readonly Expr[]): readonly Expr[] {
  const seen = new Set<Expr>();
  const visit = (expr: Expr): void => {
    if (seen.has(expr)) return;
    seen.add(expr);
    expr.args.forEach(visit);
  };
  roots.forEach(visit);
  return [...seen].filter(({ args }) => args.length === 0);
}
