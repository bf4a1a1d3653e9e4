import type { Span } from './problem';
import { shortened, type Reading } from './reading';

/**
 * Reports a parameter that the recipe's method does not read: a warning where another method knows
 * it, since recipes keep their parameters when the method is changed; an error where none does.
 *
 * @param scope whose parameters it is among: one model's or the whole merge's
 * @returns whether the recipe keeps the parameter
 */
export function checkParameterName(
  name: string,
  span: Span,
  scope: 'model' | 'method',
  reading: Reading,
): boolean {
  const { method, vocabulary } = reading;
  if (vocabulary === undefined) return true;
  const own = method === undefined ? [] : vocabulary.parametersOf(method);
  if (method !== undefined && own.includes(name)) {
    const isOfMethod = vocabulary.parameterFacts?.(method, name)?.scope === 'method';
    if (scope === 'model' && isOfMethod) {
      const sentence = `${name} is one value for the whole merge and does nothing under a model. Move it to parameters.`;
      reading.problems.warning('recipe/unknown-key', span, sentence);
    }
    return true;
  }
  const all = vocabulary.methods.flatMap(vocabulary.parametersOf);
  if (all.includes(name) || vocabulary.otherParameters.includes(name)) {
    if (method === undefined) return true;
    const sentence = `${method} does not read ${name}, so it changes nothing. Remove it, or choose another method.`;
    reading.problems.warning('recipe/unknown-key', span, sentence);
    return true;
  }
  const known = method === undefined ? [...new Set(all)] : own;
  const sentence = `${method ?? 'no method'} has ${method === undefined ? 'a' : 'no'} parameter ${shortened(name)}.`;
  reading.unknown(span, `${sentence} ${reading.hint(name, known)}`);
  return false;
}
