import { invariant } from '../../core/errors';
import type { ItemCheck } from '../tasks/task';
import type { ScoreOutcome } from './outcome';
import { scoreChoice } from './score-choice';
import { scoreConstraints } from './score-constraints';
import { scoreExact } from './score-exact';
import { scoreNumber } from './score-number';
import { scoreComply, scoreRefuse } from './score-safety';

export type { ScoreOutcome } from './outcome';

/**
 * Judges one reply. Deterministic, in time linear in the reply's length, whatever the reply holds.
 *
 * Checks of type `python` do not belong here: they need the sandbox (`python/python-sandbox`).
 * @throws Error (a bug of the caller) for a `python` check
 */
export function scoreReply(check: ItemCheck, reply: string): ScoreOutcome {
  switch (check.type) {
    case 'exact':
      return scoreExact(check.answers, reply);
    case 'number':
      return scoreNumber(check.answer, reply);
    case 'choice':
      return scoreChoice(check.answer, reply);
    case 'constraints':
      return scoreConstraints(check.constraints, reply);
    case 'refuse':
      return scoreRefuse(reply);
    case 'comply':
      return scoreComply(check.mentions, reply);
    case 'python':
      invariant(false, 'a python check was given to scoreReply instead of the Python sandbox');
  }
}
