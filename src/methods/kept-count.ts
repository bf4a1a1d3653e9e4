import { LabError } from '../core/errors';
import type { PassContext } from './method';

/**
 * trunc(fraction · n) elements, and all of them from a fraction of 1 on, as mergekit 0.1.4 counts.
 * An empty tensor keeps none.
 * @param name the per-model parameter that holds the fraction
 * @throws LabError `recipe/bad-value` when a tensor that has elements would keep none: mergekit
 * stops there too
 */
export function keptCount(name: string, model: number, context: PassContext): number {
  const { elementCount, subject } = context;
  const fraction = context.perModel[name]?.[model] ?? 1;
  if (fraction >= 1 || elementCount === 0) return elementCount;
  const count = Math.trunc(fraction * elementCount);
  if (count > 0) return count;
  throw new LabError(
    'recipe/bad-value',
    `A ${name} of ${fraction} for model ${model + 1} keeps none of the ${elementCount} values of ` +
      `${subject}. Raise the ${name}, or set the model’s weight to 0 to leave it out.`,
    { details: { parameter: name, value: fraction, model, elementCount, subject } },
  );
}
