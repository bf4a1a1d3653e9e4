import { chunkElements } from './backend';
import type { InputLayout } from './input-layout';
import { specialistCountOf } from './input-layout';
import type { Reduction } from './reduction';
import { wgslPairSum } from './wgsl-functions';
import { printBody } from './wgsl-print';
import type { ShaderText, WgslKernel } from './wgsl-text';
import {
  declarations,
  elementFunction,
  fieldsOf,
  header,
  helpers,
  workgroupSize,
} from './wgsl-text';

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
  const fields = fieldsOf([reduction.of], layout, ['firstChunk', 'chunkCount']);
  const wgsl = `${header(
    text,
    `one ${reduction.kind} over a chunk of ${chunkElements} elements (a workgroup does)`,
    layout,
    fields,
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
  let place = group.y * groups.x + group.x;
  let k = group.z;
  if (place >= params.chunkCount) { return; }
  let first = (params.firstChunk + place) * ${chunkElements}u;
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
  if (local == 0u) { result[k * params.chunkCount + place] = partial[0]; }
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
  const fields = fieldsOf([reduction.bin, reduction.when], layout, ['firstChunk']);
  const { binCount } = reduction;
  const wgsl = `${header(
    text,
    `how often each of ${binCount} bins occurs in a chunk (a workgroup does)`,
    layout,
    fields,
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
  let first = (params.firstChunk + group.y * groups.x + group.x) * ${chunkElements}u;
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
