import type { MethodText } from '../texts/method-text';
import { usesCoefficients } from './methods';
import type { Setup } from './setup';

/** Whether a person chooses which specialists take part; elsewhere a coefficient of 0 does it. */
export function choosesParticipants(method: MethodText, ids: readonly string[]): boolean {
  return isLimited(method, ids) || !usesCoefficients(method);
}

/**
 * The specialists that go into the merge, in the collection's order. A method that takes fewer than
 * there are gets those chosen last, filled up with the first ones.
 */
export function participantsOf(
  setup: Setup,
  method: MethodText,
  ids: readonly string[],
): readonly string[] {
  const { min, max } = method.specialistCount;
  if (isLimited(method, ids)) {
    const wanted = setup.preferred.filter((id) => ids.includes(id)).slice(-max);
    const others = ids.filter((id) => !wanted.includes(id));
    const taken = new Set([...wanted, ...others.slice(0, max - wanted.length)]);
    return ids.filter((id) => taken.has(id));
  }
  if (usesCoefficients(method)) return ids;
  const kept = ids.filter((id) => !setup.leftOut.includes(id));
  return kept.length < Math.min(min, ids.length) ? ids.slice(0, min) : kept;
}

/** Takes a specialist in or leaves it out; the same setup where the method would have too few. */
export function withParticipant(
  setup: Setup,
  method: MethodText,
  ids: readonly string[],
  id: string,
  takesPart: boolean,
): Setup {
  if (isLimited(method, ids)) {
    const present = participantsOf(setup, method, ids);
    const others = present.filter((other) => other !== id);
    const next = takesPart ? id : ids.find((other) => !present.includes(other));
    return next === undefined ? setup : { ...setup, preferred: [...others, next] };
  }
  const leftOut = setup.leftOut.filter((other) => other !== id);
  if (takesPart) return { ...setup, leftOut };
  const remaining = ids.length - leftOut.length - 1;
  if (remaining < Math.max(1, method.specialistCount.min)) return setup;
  return { ...setup, leftOut: [...leftOut, id] };
}

function isLimited(method: MethodText, ids: readonly string[]): boolean {
  return method.specialistCount.max < ids.length;
}
