/** Vectors in plain float64: what the geometric methods mean, element by element. */
export type Vector = readonly number[];

export const dot = (a: Vector, b: Vector): number =>
  a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
export const norm = (a: Vector): number => Math.sqrt(dot(a, a));
export const scale = (a: Vector, factor: number): number[] => a.map((value) => value * factor);
export const plus = (a: Vector, b: Vector): number[] => a.map((value, i) => value + (b[i] ?? 0));
export const minus = (a: Vector, b: Vector): number[] => a.map((value, i) => value - (b[i] ?? 0));
export const sum = (vectors: readonly Vector[]): number[] =>
  vectors.reduce<number[]>((total, vector) => plus(total, vector), scale(vectors[0] ?? [], 0));

/** From a to b along the arc. */
export function arc(a: Vector, b: Vector, t: number): number[] {
  const angle = Math.acos(dot(a, b) / (norm(a) * norm(b)));
  const part = (share: number): number => Math.sin(share * angle) / Math.sin(angle);
  return plus(scale(a, part(1 - t)), scale(b, part(t)));
}

export const line = (a: Vector, b: Vector, t: number): number[] =>
  plus(scale(a, 1 - t), scale(b, t));

/** Multi-SLERP with its steps to the tangent space and back, as the author tells them. */
export function barycentre(vectors: readonly Vector[], weights: Vector, eps: number): number[] {
  const total = weights.reduce((soFar, weight) => soFar + weight, 0);
  const shares = weights.map((weight) => weight / total);
  const units = vectors.map((vector) => scale(vector, 1 / (norm(vector) + eps)));
  const weighted = (list: readonly Vector[]): number[] =>
    sum(list.map((vector, i) => scale(vector, shares[i] ?? 0)));
  const centre = weighted(units);
  const mean = scale(centre, 1 / norm(centre));
  const tangent = weighted(units.map((unit) => minus(unit, scale(mean, dot(unit, mean)))));
  const length = norm(tangent) + eps;
  const direction = plus(scale(mean, Math.cos(length)), scale(tangent, Math.sin(length) / length));
  return scale(
    direction,
    vectors.reduce((soFar, vector, i) => soFar + norm(vector) * (shares[i] ?? 0), 0),
  );
}

/** Karcher mean by plain gradient steps until nothing moves any more. */
export function karcherMean(vectors: readonly Vector[]): number[] {
  const units = vectors.map((vector) => scale(vector, 1 / norm(vector)));
  let mean = sum(units);
  mean = scale(mean, 1 / norm(mean));
  for (let iteration = 0; iteration < 200; iteration++) {
    const at = mean;
    const logs = units.map((unit) => {
      const cosine = Math.min(1, dot(unit, at));
      const angle = Math.acos(cosine);
      return angle < 1e-9
        ? scale(at, 0)
        : scale(minus(unit, scale(at, cosine)), angle / Math.sin(angle));
    });
    const step = scale(sum(logs), 1 / units.length);
    const length = norm(step);
    if (length < 1e-12) break;
    mean = plus(scale(at, Math.cos(length)), scale(step, Math.sin(length) / length));
  }
  return scale(mean, vectors.reduce((soFar, vector) => soFar + norm(vector), 0) / vectors.length);
}

/** Model Stock's ratio t for task vectors. */
export function stockRatio(deltas: readonly Vector[]): number {
  const cosines = deltas.flatMap((a, i) =>
    deltas.slice(i + 1).map((b) => dot(a, b) / Math.max(norm(a) * norm(b), 1e-6)),
  );
  const cosine = cosines.reduce((soFar, value) => soFar + value, 0) / cosines.length;
  const count = deltas.length;
  return (count * cosine) / (1 + (count - 1) * cosine);
}

/** Applies `merge` to each row, or to each column, of matrices with rows of `rowLength`. */
export function byVectors(
  matrices: readonly Vector[],
  rowLength: number,
  axis: 'rows' | 'columns',
  merge: (vectors: readonly Vector[]) => Vector,
): number[] {
  const [first = []] = matrices;
  const keyOf = (i: number): number =>
    axis === 'rows' ? Math.floor(i / rowLength) : i % rowLength;
  const result = first.map(() => 0);
  for (const key of new Set(first.map((_, i) => keyOf(i)))) {
    const places = first.flatMap((_, i) => (keyOf(i) === key ? [i] : []));
    const merged = merge(matrices.map((matrix) => places.map((place) => matrix[place] ?? 0)));
    places.forEach((place, i) => (result[place] = merged[i] ?? 0));
  }
  return result;
}
