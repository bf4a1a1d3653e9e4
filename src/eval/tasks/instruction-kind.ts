import type { Random } from '../../core/random';
import type { Constraint, TaskKind } from './task';

/** What one instruction kind draws: its content words, wordings, replies and constraints. */
export interface ConstrainedDraw {
  /** Content words that decide the split; wordings of one content stay together. */
  readonly content: readonly string[];
  /** Paraphrases, of which one is drawn. */
  readonly prompts: readonly string[];
  readonly answer: string;
  readonly weakAnswer: string;
  readonly constraints: readonly Constraint[];
}

/** A kind whose items are judged by constraints alone. */
export function constrainedKind(
  id: string,
  options: { readonly share?: number; readonly tail?: boolean },
  drawContent: (random: Random) => ConstrainedDraw,
): TaskKind {
  return {
    id,
    ...options,
    draw(random) {
      const drawn = drawContent(random);
      return {
        kind: id,
        contentKey: drawn.content.join('|'),
        prompt: random.pick(drawn.prompts),
        answer: drawn.answer,
        weakAnswer: drawn.weakAnswer,
        check: { type: 'constraints', constraints: drawn.constraints },
      };
    },
  };
}
