import type { FloatDtype } from '../core/dtype';
import type { Expr } from './expr';
import type { InputLayout } from './input-layout';
import { wgslRounds } from './wgsl-functions';
import { printBody } from './wgsl-print';
import type { ShaderText, WgslKernel } from './wgsl-text';
import {
  declarations,
  elementFunction,
  fieldsOf,
  header,
  helpers,
  packing,
  workgroupSize,
} from './wgsl-text';

/**
 * Merges two 16-bit elements, or one of 32 bits, an invocation.
 * @param model the model at hand outside folds
 */
export function printMap(
  output: Expr<'f32'>,
  outDtype: FloatDtype,
  layout: InputLayout,
  text: ShaderText = { label: 'merge', formula: 'the expression in `element`' },
  model = 0,
): WgslKernel {
  const perInvocation = outDtype === 'F32' ? 1 : 2;
  const body = printBody(output);
  const fields = fieldsOf([output], layout);
  const main =
    outDtype === 'F32'
      ? `  if (place >= params.elementCount) { return; }
  result[place] = bitcast<u32>(element(place, ${model}u));`
      : `  let i = 2u * place;
  if (i >= params.elementCount) { return; }
  var pair = ${roundName(outDtype)}(element(i, ${model}u));
  if (i + 1u < params.elementCount) { pair |= ${roundName(outDtype)}(element(i + 1u, ${model}u)) << 16u; }
  result[place] = pair;`;
  const wgsl = `${header(
    text,
    `${perInvocation === 1 ? 'one merged weight' : 'two neighbouring merged weights'}, each`,
    layout,
    fields,
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

function roundName(dtype: 'BF16' | 'F16'): string {
  return dtype === 'BF16' ? 'roundBf16' : 'roundF16';
}
