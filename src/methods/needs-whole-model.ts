import type { MethodDefinition } from './method';

/** Whether the definition ranks or sums over all tensors together. */
export function needsWholeModel(definition: MethodDefinition): boolean {
  return definition.passes.some((pass) => pass.scope === 'model');
}
