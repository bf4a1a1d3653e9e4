import type { MergedTensor, PlannedTensor } from '../engine/plan';
import { bool, keptBits, magnitudeBits, shiftRight } from '../expr/build';
import type { Expr } from '../expr/expr';
import type { InputLayout } from '../expr/input-layout';
import type { Reduction } from '../expr/reduction';
import { printMap } from '../expr/wgsl-kernel';
import { printReduction } from '../expr/wgsl-reduction';
import type { MergeMethod, MethodDefinition, Pass } from '../methods/method';

/** One kernel of a merge, shown to students. */
export interface ShaderPart {
  /** What the kernel is for, such as "Pass 1: count magnitudes". */
  readonly title: string;
  readonly wgsl: string;
}

/** Kinds of tensors that are shown; a spectral method has two, most have one. */
const shownKinds = 2;

/**
 * The kernels of a merge in the order in which they run: of the largest tensor, and of the largest
 * one that the method treats in another way. All others run the same with other sizes.
 */
export function shadersOf(tensors: readonly PlannedTensor[], method: MergeMethod): ShaderPart[] {
  const byDefinition = new Map<MethodDefinition, MergedTensor[]>();
  for (const tensor of tensors) {
    if (tensor.kind === 'copy') continue;
    const members = byDefinition.get(tensor.definition) ?? [];
    byDefinition.set(tensor.definition, [...members, tensor]);
  }
  const kinds = [...byDefinition]
    .map(([definition, members]) => ({ definition, members: largestFirst(members) }))
    .sort((left, right) => sizeOf(right.members) - sizeOf(left.members))
    .slice(0, shownKinds);
  return kinds.flatMap(({ definition, members }) => {
    const [example] = members;
    if (example === undefined) return [];
    const kind = kinds.length > 1 ? `, for tensors such as ${example.name}` : '';
    return partsOf(definition, example, method, kind);
  });
}

function partsOf(
  definition: MethodDefinition,
  example: MergedTensor,
  { id, formula }: MergeMethod,
  kind: string,
): ShaderPart[] {
  const layout: InputLayout = {
    hasBase: example.hasBase,
    dtypes: example.sources.map((source) => source.dtype),
  };
  const passes = definition.passes
    .map((pass) => passParts(pass, layout))
    .filter((parts) => parts.length > 0)
    .flatMap((parts, index) =>
      parts.map((part) => ({ ...part, title: `Pass ${index + 1}: ${part.title}${kind}` })),
    );
  const { wgsl } = printMap(definition.output, example.dtype, layout, { label: id, formula });
  return [...passes, { title: `The merged weights${kind}`, wgsl }];
}

function passParts(pass: Pass, layout: InputLayout): ShaderPart[] {
  switch (pass.kind) {
    case 'reduce':
      return Object.entries(pass.reductions).map(([name, reduction]) =>
        reductionPart(`${reduction.kind} "${name}"`, reduction, layout),
      );
    case 'top':
      return [
        reductionPart(
          `find the largest "${pass.name}", by three such counts over the bits of magnitudes`,
          magnitudeHistogram(pass.of),
          layout,
        ),
      ];
    case 'rank':
      return [
        valuePart(`values of "${pass.name}", ranked along rows`, pass.of, layout),
        valuePart(
          `what is kept by "${pass.name}", a bit for every model`,
          keptBits(pass.name, pass.keeps),
          layout,
        ),
      ];
    case 'matrix':
      return [valuePart(`matrices for "${pass.name}", solved on the processor`, pass.of, layout)];
    case 'rows':
      return Object.entries(pass.values).map(([name, of]) =>
        valuePart(`values of "${name}", looked at row by row`, of, layout),
      );
    case 'vectors':
      return Object.entries(pass.sums).map(([name, of]) =>
        valuePart(`values of "${name}", summed along ${axisText(pass.axis)}`, of, layout),
      );
    case 'mergekitSample':
      return [valuePart('values of a random million elements, for quantiles', pass.of, layout)];
    case 'mergekitRandom':
      return [];
  }
}

function axisText(axis: 'last' | 'first'): string {
  return axis === 'last' ? 'rows' : 'columns';
}

/** The first of the three counts that find a k-th magnitude. */
function magnitudeHistogram(of: Expr<'f32'>): Reduction {
  return {
    kind: 'histogram',
    bin: shiftRight(magnitudeBits(of), 20),
    when: bool(true),
    binCount: 2048,
    perModel: true,
  };
}

function reductionPart(title: string, reduction: Reduction, layout: InputLayout): ShaderPart {
  const text = { label: 'one pass', formula: title };
  return { title, wgsl: printReduction(reduction, layout, text).wgsl };
}

function valuePart(title: string, of: Expr<'f32'>, layout: InputLayout): ShaderPart {
  return { title, wgsl: printMap(of, 'F32', layout, { label: 'one pass', formula: title }).wgsl };
}

function largestFirst(tensors: readonly MergedTensor[]): readonly MergedTensor[] {
  return tensors.toSorted((left, right) => right.sizeBytes - left.sizeBytes);
}

function sizeOf(tensors: readonly MergedTensor[]): number {
  return tensors.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}
