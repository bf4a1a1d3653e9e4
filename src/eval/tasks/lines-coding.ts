import type { Random } from '../../core/random';
import { codingKinds } from './coding';
import { drawFromSplit } from './task';

/**
 * A line of Python as plain text: a whole function, or only its `return` line.
 *
 * Whole functions are answers to training questions, so no held-out answer can appear. A `return`
 * line alone holds neither the name nor the signature that a question asks for.
 */
export function drawCodingLine(random: Random): string {
  const { answer } = drawFromSplit(random.pick(codingKinds), 'train', random);
  return random.chance(0.5) ? answer : answer.slice(answer.indexOf(': ') + 2);
}
