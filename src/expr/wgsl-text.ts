import type { FloatDtype } from '../core/dtype';
import { invariant } from '../core/errors';
import type { Expr } from './expr';
import type { InputLayout } from './input-layout';
import { specialistCountOf } from './input-layout';
import { wgslLoads, wgslRandom } from './wgsl-functions';
import type { PrintedBody } from './wgsl-print';
import { columnFunctionName, memberName, withoutParentheses } from './wgsl-print';

/** Guaranteed everywhere. */
export const workgroupSize = 256;

/** A word of the parameter buffer, or one word per model. */
export interface ParameterField {
  /** Of a `column`: where it begins in the buffer of columns, under the column's name. */
  readonly name: string;
  readonly source: 'slice' | 'offset' | 'scalar' | 'perModel' | 'column';
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

export function packing(dtype: FloatDtype): string {
  return dtype === 'F32' ? 'f32 bits' : `${dtype.toLowerCase()}, two to a word`;
}

export function header(
  text: ShaderText,
  invocation: string,
  layout: InputLayout,
  fields: readonly ParameterField[],
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
    ...(hasColumns(fields) ? ['//   3  columns  array<f32>  computed inputs'] : []),
    `// Dispatch: ${dispatch}.`,
    `// Arithmetic: ${arithmetic}.`,
    '',
  ].join('\n');
}

export function declarations(
  fields: readonly ParameterField[],
  layout: InputLayout,
  resultType: string,
): string {
  const members = fields.map(({ name, type, length, source }) => {
    const isArray = source !== 'slice' && source !== 'scalar';
    const member = source === 'column' ? columnOffsetName(name) : memberName(name);
    return `  ${member}: ${isArray ? `array<${type}, ${length}>` : type},`;
  });
  const columns = hasColumns(fields)
    ? '@group(0) @binding(3) var<storage, read> columns: array<f32>;\n'
    : '';
  return `const MODELS = ${specialistCountOf(layout)}u;

struct Params {
${members.join('\n')}
}

@group(0) @binding(0) var<storage, read> weights: array<u32>;
@group(0) @binding(1) var<storage, read> params: Params;
@group(0) @binding(2) var<storage, read_write> result: ${resultType};
${columns}`;
}

function hasColumns(fields: readonly ParameterField[]): boolean {
  return fields.some(isColumn);
}

function isColumn({ source }: ParameterField): boolean {
  return source === 'column';
}

function columnOffsetName(name: string): string {
  return `${memberName(name)}_column`;
}

export function helpers(roots: readonly Expr[], layout: InputLayout): string {
  const loads = [...new Set(layout.dtypes)].map((dtype) => wgslLoads[dtype]);
  const parts = [...loads, accessors(layout)];
  const leaves = leavesOf(roots);
  for (const name of new Set(leaves.filter(({ op }) => op === 'column').map(({ name }) => name))) {
    parts.push(
      `fn ${columnFunctionName(name)}(k: u32, i: u32) -> f32 {\n` +
        `  return columns[params.${columnOffsetName(name)}[k] + i];\n}`,
    );
  }
  if (leaves.some(({ op }) => op === 'randomBits')) parts.push(wgslRandom);
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

export function elementFunction(
  type: string,
  { statements, value }: PrintedBody,
  name = 'element',
): string {
  return [
    `fn ${name}(i: u32, k: u32) -> ${type} {`,
    ...statements.map((line) => `  ${line}`),
    `  return ${withoutParentheses(value)};`,
    '}',
  ].join('\n');
}

/**
 * Words every kernel has, `more` of the slice that this one needs, then the names its expressions
 * read, in order of first use.
 */
export function fieldsOf(
  roots: readonly Expr[],
  layout: InputLayout,
  more: readonly ('firstChunk' | 'chunkCount')[] = [],
): readonly ParameterField[] {
  const slice = (name: string): ParameterField => ({
    name,
    source: 'slice',
    type: 'u32',
    length: 1,
  });
  const fields: ParameterField[] = [
    ...['elementCount', 'firstElement', 'seed', 'tensorKey', 'zero', ...more].map(slice),
    { name: 'offset', source: 'offset', type: 'u32', length: layout.dtypes.length },
  ];
  for (const { op, name, type } of leavesOf(roots)) {
    if (op !== 'scalar' && op !== 'perModel' && op !== 'column') continue;
    if (fields.some((field) => field.name === name && isColumn(field) === (op === 'column'))) {
      continue;
    }
    invariant(type !== 'bool', 'the host gives numbers');
    const length = op === 'scalar' ? 1 : specialistCountOf(layout);
    fields.push({ name, source: op, type: op === 'column' ? 'u32' : type, length });
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
