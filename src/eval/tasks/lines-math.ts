import type { Random } from '../../core/random';
import { writeStep } from './math';

/**
 * A line of arithmetic as plain text: one fact, two chained facts, or a stretch of a times table.
 *
 * Facts are the skill that word problems draw on and are shared by all splits; no line holds a word
 * problem, nor the closing sentence of an answer.
 */
export function drawMathLine(random: Random): string {
  const form = random.integer(0, 5);
  const a = random.integer(2, 9);
  const b = random.integer(2, 9);
  const c = random.integer(2, 9);
  if (form === 0) return writeStep(random.integer(2, 18), '+', b);
  if (form === 1) return writeStep(a + b, '-', b);
  if (form === 2) return writeStep(a, 'x', b);
  if (form === 3) return writeStep(a * b, '/', b);
  if (form === 4) return [0, 1, 2].map((step) => writeStep(a, 'x', 2 + ((b + step) % 8))).join(' ');
  return `${writeStep(a, '+', b)} ${writeStep(a + b, '+', c)}`;
}
