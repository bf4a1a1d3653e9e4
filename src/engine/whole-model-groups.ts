import type { MethodDefinition } from '../methods/method';
import { needsWholeModel } from '../methods/needs-whole-model';
import type { MergedTensor } from './plan-tensor';

/**
 * The tensors that a pass over the whole model ranks or sums together: those with one definition and
 * the same models. A recipe whose conditions give tensors different switches has several groups.
 */
export function wholeModelGroups(tensors: readonly MergedTensor[]): readonly MergedTensor[][] {
  const groups = new Map<MethodDefinition, Map<string, MergedTensor[]>>();
  for (const tensor of tensors) {
    const { definition, sources } = tensor;
    if (!needsWholeModel(definition)) continue;
    const ofDefinition = groups.get(definition) ?? new Map<string, MergedTensor[]>();
    groups.set(definition, ofDefinition);
    const models = JSON.stringify(sources.map(({ model }) => model.id));
    const group = ofDefinition.get(models) ?? [];
    group.push(tensor);
    ofDefinition.set(models, group);
  }
  return [...groups.values()].flatMap((ofDefinition) => [...ofDefinition.values()]);
}
