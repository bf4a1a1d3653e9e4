/**
 * The sparsified methods once more, in plain float64 loops over arrays: slow, without expressions or
 * back ends, written from the formulas. Only task vectors are float32, since masks depend on them.
 */

/** One tensor, or all tensors as one. */
export interface Plain {
  readonly base: readonly number[];
  readonly models: readonly (readonly number[])[];
  /** Elements in a row. */
  readonly rowLength: number;
}

export interface PlainNumbers {
  readonly weight: readonly number[];
  readonly density: readonly number[];
  readonly gamma: readonly number[];
  readonly epsilon: readonly number[];
  readonly lambda: number;
  readonly normalize: boolean;
  readonly rescale: boolean;
  /** Uniform numbers of each model. */
  readonly uniforms: readonly (readonly number[])[];
}

export function plainTaskVectors({ base, models }: Plain): number[][] {
  return models.map((model) => model.map((value, i) => Math.fround(value - at(base, i))));
}

function at(values: readonly number[], index: number): number {
  const value = values[index];
  if (value === undefined) throw new RangeError(`no value at ${index}`);
  return value;
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/** Indices from the largest magnitude down; of equal ones the lower index comes first. */
function descending(values: readonly number[]): number[] {
  return values
    .map((_, i) => i)
    .sort((i, j) => Math.abs(at(values, j)) - Math.abs(at(values, i)) || i - j);
}

/** Indices from the smallest magnitude up; of equal ones the lower index comes first. */
function ascending(values: readonly number[]): number[] {
  return values
    .map((_, i) => i)
    .sort((i, j) => Math.abs(at(values, i)) - Math.abs(at(values, j)) || i - j);
}

function masked(tau: readonly number[], kept: ReadonlySet<number>, rescale: boolean): number[] {
  const left = tau.map((value, i) => (kept.has(i) ? value : 0));
  const [before, after] = [tau, left].map((values) => total(values.map(Math.abs)));
  if (!rescale || kept.size === tau.length || !before || !after) return left;
  return left.map((value) => (value * before) / after);
}

type Sparsify = (tau: readonly number[], model: number, n: PlainNumbers, plain: Plain) => number[];

export const trim: Sparsify = (tau, model, { density, rescale }) => {
  const count = at(density, model) >= 1 ? tau.length : Math.trunc(at(density, model) * tau.length);
  return masked(tau, new Set(descending(tau).slice(0, count)), rescale);
};

export const crumbs: Sparsify = (tau, model, { density, gamma, rescale }) => {
  const n = tau.length;
  if (at(density, model) >= 1) return [...tau];
  const kept = Math.trunc(at(density, model) * n);
  let top = Math.trunc(at(gamma, model) * n);
  let bottom = n - kept - top;
  if (bottom < 0) {
    top += bottom;
    bottom = 0;
  }
  return masked(tau, new Set(ascending(tau).slice(bottom, n - top)), rescale);
};

export const drop: Sparsify = (tau, model, { density, rescale, uniforms }) => {
  const kept = tau.flatMap((_, i) =>
    at(uniforms[model] ?? [], i) < at(density, model) ? [i] : [],
  );
  return at(density, model) >= 1 ? [...tau] : masked(tau, new Set(kept), rescale);
};

export const dropByRank: Sparsify = (tau, model, numbers, { rowLength }) => {
  const [density, epsilon] = [at(numbers.density, model), at(numbers.epsilon, model)];
  if (density >= 1) return [...tau];
  if (density <= 0) return tau.map(() => 0);
  const kept = new Set<number>();
  for (let start = 0; start < tau.length; start += rowLength) {
    ascending(tau.slice(start, start + rowLength)).forEach((column, rank) => {
      const chance = density - epsilon + (2 * epsilon * rank) / (rowLength - 1);
      const i = start + column;
      if (at(numbers.uniforms[model] ?? [], i) < chance) kept.add(i);
    });
  }
  return masked(tau, kept, numbers.rescale);
};

/** Σ wᵢ·deltaᵢ, or with `elect` only of those that have the sign of that sum. */
export function joined(
  plain: Plain,
  numbers: PlainNumbers,
  sparsify: Sparsify,
  elect: boolean,
): number[] {
  const { weight, lambda, normalize } = numbers;
  const deltas = plainTaskVectors(plain).map((tau, model) => sparsify(tau, model, numbers, plain));
  return plain.base.map((origin, i) => {
    const terms = deltas.map((delta, model) => at(weight, model) * at(delta, i));
    const sign = total(terms) >= 0 ? 1 : -1;
    const agrees = terms.map((term) => !elect || Math.sign(term) === sign);
    const sum = total(terms.filter((_, model) => agrees[model]));
    const divisor = total(weight.filter((_, model) => agrees[model]));
    const isNearZero = elect ? divisor === 0 : Math.abs(divisor) < 1e-8;
    return origin + (lambda * sum) / (normalize && !isNearZero ? divisor : 1);
  });
}

export function plainSce(plain: Plain, topk: number): number[] {
  const taus = plainTaskVectors(plain);
  const variance = plain.base.map((_, i) => {
    const values = taus.map((tau) => at(tau, i));
    // Exact for multiples of 1/8, so that equal variances are equal.
    if (values.every((value) => value === values[0])) return 0;
    const squares = total(values.map((value) => value ** 2));
    return (values.length * squares - total(values) ** 2) / values.length ** 2;
  });
  const count = Math.trunc(variance.filter((value) => value !== 0).length * topk);
  const selected = new Set(descending(variance).slice(0, topk >= 1 ? undefined : count));
  const deltas = taus.map((tau) => tau.map((value, i) => (selected.has(i) ? value : 0)));
  const energy = deltas.map((delta) => total(delta.map((value) => value ** 2)) / delta.length);
  const all = total(energy);
  const share = energy.map((value) => (Math.abs(all) < 1e-6 ? 1 / energy.length : value / all));
  return plain.base.map((origin, i) => {
    const sign = total(deltas.map((delta) => at(delta, i))) >= 0 ? 1 : -1;
    const shares = deltas.map((delta, model) =>
      Math.sign(at(delta, i)) === sign ? at(share, model) : 0,
    );
    const sum = total(deltas.map((delta, model) => at(delta, i) * at(shares, model)));
    return origin + sum / Math.max(total(shares), 1e-6);
  });
}

/** RAM+ per tensor; RAM with `r` 0. */
export function plainRam(plain: Plain, epsilon: number, r: number, alpha: number): number[] {
  const taus = plainTaskVectors(plain);
  const active = taus.map((tau) => tau.map((value) => Math.abs(value) > epsilon));
  const count = plain.base.map((_, i) => active.filter((model) => model[i]).length);
  const boost = active.map((model) => {
    const shared = model.filter((is, i) => is && at(count, i) > 1).length;
    const lone = model.filter((is, i) => is && at(count, i) === 1).length;
    return 1 + r * Math.min(shared / Math.max(lone, epsilon), alpha);
  });
  return plain.base.map((origin, i) => {
    const terms = taus.map((tau, model) => {
      if (active[model]?.[i] !== true) return 0;
      return at(count, i) === 1 ? at(tau, i) * at(boost, model) : at(tau, i) / at(count, i);
    });
    return origin + total(terms);
  });
}

/** Values that reach the magnitude of the k-th largest. */
function reaching(tau: readonly number[], k: number): boolean[] {
  const bound = Math.abs(at(tau, at(descending(tau), Math.min(k, tau.length) - 1)));
  return tau.map((value) => Math.abs(value) >= bound);
}

export function plainMergeBenchTies(
  plain: Plain,
  share: number,
  lambda: number,
  how: 'sum' | 'mean' | 'max',
): number[] {
  const trimmed = plainTaskVectors(plain).map((tau) => {
    const isKept = reaching(tau, Math.floor(tau.length * share) + 1);
    return tau.map((value, i) => (isKept[i] === true ? value : 0));
  });
  const votes = plain.base.map((_, i) => Math.sign(total(trimmed.map((tau) => at(tau, i)))));
  const majority = Math.sign(total(votes));
  return plain.base.map((origin, i) => {
    const sign = at(votes, i) === 0 ? majority : at(votes, i);
    const kept = trimmed
      .map((tau) => at(tau, i))
      .filter((value) => (sign > 0 ? value > 0 : value < 0));
    const sum = total(kept);
    if (how === 'max') return origin + lambda * sign * Math.max(0, ...kept.map(Math.abs));
    return origin + lambda * (how === 'sum' ? sum : sum / Math.max(1, kept.length));
  });
}

export function plainStitch(plain: Plain, share: number): number[] {
  const taus = plainTaskVectors(plain);
  const masks = taus.map((tau) => reaching(tau, Math.max(1, Math.floor(tau.length * share))));
  return plain.base.map((origin, i) => {
    const inside = taus.filter((_, model) => masks[model]?.[i] === true).map((tau) => at(tau, i));
    return origin + (inside.length === 0 ? 0 : total(inside) / inside.length);
  });
}
