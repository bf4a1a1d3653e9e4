import type { Expr } from '../expr/expr';
import type { MethodNumbers } from './method';

/**
 * Remembers what passes found, as long as the weights stay the same: moving a weight slider leaves
 * the thresholds of TIES and the sums of DARE as they were. Make a new one when a model changes.
 */
export class PassMemory {
  readonly #found = new Map<string, Map<object, { key: string; value: unknown }>>();

  /**
   * @param subject the tensors that were read, by name
   * @param pass identity of what was measured; only its latest result is kept
   * @param key the numbers it depends on
   */
  async recall<T>(
    subject: string,
    pass: object,
    key: string,
    measure: () => Promise<T>,
  ): Promise<T> {
    const known = this.#found.get(subject) ?? new Map<object, { key: string; value: unknown }>();
    this.#found.set(subject, known);
    const before = known.get(pass);
    if (before?.key === key) return before.value as T;
    const value = await measure();
    known.set(pass, { key, value });
    return value;
  }
}

/** The values of everything that expressions read from the host, and the seed if they use it. */
export function dependenceKey(
  exprs: readonly Expr[],
  numbers: MethodNumbers,
  seed: number,
): string {
  const scalars = new Set<string>();
  const lists = new Set<string>();
  const random = new Set<Expr>();
  const seen = new Set<Expr>();
  const visit = (expr: Expr): void => {
    if (seen.has(expr)) return;
    seen.add(expr);
    if (expr.op === 'scalar') scalars.add(expr.name);
    if (expr.op === 'perModel') lists.add(expr.name);
    if (expr.op === 'randomBits') random.add(expr);
    expr.args.forEach(visit);
  };
  exprs.forEach(visit);
  return JSON.stringify([
    random.size > 0 ? seed : null,
    [...scalars].map((name) => [name, numbers.scalars[name]]),
    [...lists].map((name) => [name, numbers.perModel[name]]),
  ]);
}
