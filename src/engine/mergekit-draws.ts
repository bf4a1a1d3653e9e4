import { elementCountOf } from '../core/dtype';
import type { PassContext } from '../methods/method';
import { MergekitStream, type StreamTensor } from '../methods/mergekit-stream';
import type { MergekitDraws } from '../methods/tensor-task';
import type { MergePlan } from './plan';
import { specialistCountOf, type MergedTensor } from './plan-tensor';

/**
 * mergekit's random numbers for a merge that asks for them: one stream through all tensors in
 * ascending order of the greatest name among a tensor's inputs, as mergekit 0.1.4 visits them. Where
 * slices use a layer twice, mergekit's order is unspecified and ours is that of the output.
 */
export function mergekitDrawsFor({ merge, tensors }: MergePlan): MergekitDraws | undefined {
  const drawn = drawnTensors(tensors.filter((tensor) => tensor.kind === 'merge'));
  return drawn.length === 0 ? undefined : new MergekitStream(merge.seed, drawn);
}

/** Equal for plans with equal random numbers. */
export function drawsKey({ merge, tensors }: MergePlan): string {
  const drawn = drawnTensors(tensors.filter((tensor) => tensor.kind === 'merge'));
  return JSON.stringify([merge.seed, drawn]);
}

function drawnTensors(tensors: readonly MergedTensor[]): readonly StreamTensor[] {
  const visited = tensors.map((tensor) => ({ tensor, key: greatestInputName(tensor) }));
  visited.sort((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key)));
  return visited.flatMap(({ tensor }) => {
    const drawCount = drawCountOf(tensor);
    const elementCount = elementCountOf(tensor.shape);
    if (drawCount === 0) return [];
    const permutes = tensor.definition.passes.some(({ kind }) => kind === 'mergekitSample');
    const outputsPerDraw = permutes ? elementCount - 1 : elementCount;
    return [{ name: tensor.name, elementCount, drawCount, outputsPerDraw }];
  });
}

function greatestInputName({ sources }: MergedTensor): string {
  return sources.reduce((greatest, { name }) => (name > greatest ? name : greatest), '');
}

function drawCountOf(tensor: MergedTensor): number {
  const { definition, name, shape, layer, numbers } = tensor;
  const specialistCount = specialistCountOf(tensor);
  const context: PassContext = {
    ...numbers,
    subject: `tensor ${name}`,
    elementCount: elementCountOf(shape),
    specialistCount,
    shape,
    layer,
  };
  let drawCount = 0;
  for (const pass of definition.passes) {
    if (pass.kind === 'mergekitSample' && context.elementCount > pass.sampleCount) {
      drawCount += pass.draws.length;
    }
    if (pass.kind !== 'mergekitRandom') continue;
    for (let model = 0; model < specialistCount; model++) {
      if (pass.draws(model, context)) drawCount += 1;
    }
  }
  return drawCount;
}
