import { LabError } from '../core/errors';
import { smallestBudgetBytes } from '../engine/memory-shares';
import { parseByteSize } from '../engine/shards';
import { shownBytes } from '../formats/text';
import type { GivenOptions } from './command';

/**
 * The bound of the process's memory in bytes that `--memory` gives; undefined without it.
 * @throws LabError `cli/usage` for no size, and for less than a merge can keep
 */
export function memoryBound(options: GivenOptions): number | undefined {
  const text = options.text('memory');
  if (text === undefined) return undefined;
  const budgetBytes = parseByteSize(text, 'memory');
  if (budgetBytes >= smallestBudgetBytes) return budgetBytes;
  throw new LabError(
    'cli/usage',
    `A merge cannot keep to ${shownBytes(budgetBytes)} of memory; give ${shownBytes(smallestBudgetBytes)} or more.`,
    { details: { text } },
  );
}
