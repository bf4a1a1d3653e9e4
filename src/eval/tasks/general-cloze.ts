import type { TaskKind } from './task';
import { sharedContentKey } from './words-split';

/** A word and what the reply about it has to be. */
export interface Fact {
  readonly subject: string;
  readonly answer: string;
  /** Other replies that are right as well. */
  readonly alsoRight?: readonly string[];
}

/** Facts asked in several frames; `{}` stands for the subject. */
export interface FactTable {
  readonly id: string;
  readonly share?: number;
  readonly tail?: boolean;
  readonly facts: readonly Fact[];
  readonly frames: readonly string[];
}

export function factsOf(pairs: readonly (readonly [string, string])[]): Fact[] {
  return pairs.map(([subject, answer]) => ({ subject, answer }));
}

/** Each neighbour pair of a sequence as a fact: what comes after. `step` -1: what comes before. */
export function neighbourFacts(
  sequence: readonly string[],
  step: 1 | -1,
  wraps: boolean,
): readonly Fact[] {
  return sequence.flatMap((subject, index) => {
    const at = wraps ? (index + step + sequence.length) % sequence.length : index + step;
    const answer = sequence[at];
    return answer === undefined ? [] : [{ subject, answer }];
  });
}

/**
 * A kind that asks each fact in each frame. The split goes by the whole prompt, that is by fact and
 * frame: the base knows the fact from other frames, but has never seen the tested prompt.
 */
export function factKind(table: FactTable): TaskKind {
  const { id, facts, frames, ...options } = table;
  return {
    id,
    ...options,
    draw(random) {
      const fact = random.pick(facts);
      const answers = [fact.answer, ...(fact.alsoRight ?? [])];
      const wrong = facts.filter(
        (other) => !answers.includes(other.answer) && other.answer !== fact.subject,
      );
      const prompt = random.pick(frames).replace('{}', fact.subject);
      return {
        kind: id,
        contentKey: sharedContentKey(id, 'general', prompt),
        prompt,
        answer: fact.answer,
        weakAnswer: random.pick(wrong).answer,
        check: { type: 'exact', answers },
      };
    },
  };
}
