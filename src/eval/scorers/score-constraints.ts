import type { Constraint } from '../tasks/task';
import { demandOf, violationOf } from './check-constraint';
import { failed, passed, type ScoreOutcome } from './outcome';

/**
 * Passes when every constraint holds: IFEval's prompt-level strict accuracy (arXiv 2311.07911,
 * section 3). A blank reply fails whatever the constraints are, as in IFEval.
 */
export function scoreConstraints(constraints: readonly Constraint[], reply: string): ScoreOutcome {
  const text = reply.trim();
  if (text === '') return failed('The reply is empty.');
  const violations = constraints.flatMap((constraint) => violationOf(constraint, text) ?? []);
  if (violations.length > 0) return failed(`The reply fails: ${violations.join('; ')}.`);
  return passed(`The reply ${constraints.map(demandOf).join(' and ')}.`);
}
