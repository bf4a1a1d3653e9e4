import { quoted, shownBytes } from '../formats/text';
import type { Finding } from './finding';
import { fixedBytes, type MemoryShares } from './memory-shares';
import { definitionCost } from './definition-cost';
import type { PlannedTensor } from './plan-tensor';
import { tensorCost } from './plan-cost';

/**
 * Says which tensor does not fit a bound of memory, if any: matrices that are taken apart whole and
 * rows that are ranked whole cannot be cut smaller.
 */
export function memoryFindings(
  tensors: readonly PlannedTensor[],
  { workBytes }: MemoryShares,
  budgetBytes: number | undefined,
  mergeCount: number,
): readonly Finding[] {
  if (budgetBytes === undefined) return [];
  const costs = tensors.map((tensor) => ({ tensor, peakBytes: tensorCost(tensor).peakBytes }));
  const over = costs.filter(({ peakBytes }) => peakBytes > workBytes);
  const worst = over.sort((a, b) => b.peakBytes - a.peakBytes)[0];
  if (worst?.tensor.kind !== 'merge') return [];
  const { name, definition } = worst.tensor;
  const reason = definitionCost(definition).needsMatrices
    ? 'the method takes whole matrices apart'
    : 'the method ranks whole rows';
  const neededBytes = budgetBytes + mergeCount * (worst.peakBytes - workBytes);
  return [
    {
      severity: 'error',
      code: 'engine/unsupported',
      sentence: `Tensor ${quoted(name)} takes ${shownBytes(worst.peakBytes)} at once, for ${reason}, and the memory bound of ${shownBytes(budgetBytes)} leaves ${shownBytes(workBytes)} ${mergeCount === 1 ? '' : `to each of ${mergeCount} merges `}beside the page’s own ${shownBytes(fixedBytes)} and its buffers; set the bound to ${shownBytes(neededBytes)} if this machine has it, or choose another method.`,
      models: [],
      tensor: name,
    },
  ];
}
