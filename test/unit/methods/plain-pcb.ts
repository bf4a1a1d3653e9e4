/**
 * PCB-Merging in plain float64 over flat task vectors, by sorting: the steps of the authors' code in
 * their order.
 */
export function plainPcb(taskVectors: readonly (readonly number[])[], ratio: number): number[] {
  const modelCount = taskVectors.length;
  const total = columnSums(taskVectors);
  const limited = taskVectors.map((tau) => limit(tau.map(Math.abs), 1e-4, 1e-4));
  const weights = taskVectors.map((tau, model) => {
    const relative = fromSmallestToLargest(limited[model] ?? []);
    const scores = tau.map(
      (value, i) =>
        Math.exp(modelCount * (relative[i] ?? 0) ** 2) * Math.tanh(value * (total[i] ?? 0)),
    );
    return fromSmallestToLargest(limit(scores, 1 - ratio, 0));
  });
  const weightSums = columnSums(weights);
  const sums = columnSums(
    taskVectors.map((tau, model) =>
      tau.map(
        (value, i) => Math.sign(value) * (limited[model]?.[i] ?? 0) * (weights[model]?.[i] ?? 0),
      ),
    ),
  );
  return sums.map((sum, i) => sum / Math.max(weightSums[i] ?? 0, 1e-12));
}

function columnSums(rows: readonly (readonly number[])[]): number[] {
  const [first = []] = rows;
  return first.map((_, i) => rows.reduce((sum, row) => sum + (row[i] ?? 0), 0));
}

/** Moves what lies outside two order statistics to them. */
function limit(values: readonly number[], lowShare: number, highShare: number): number[] {
  const sorted = values.toSorted((x, y) => x - y);
  const low = sorted[Math.trunc(values.length * lowShare)] ?? NaN;
  const high = sorted[Math.trunc(values.length * (1 - highShare) - 1)] ?? NaN;
  return values.map((value) => Math.min(Math.max(value, low), high));
}

/** Spreads values over 0 to 1; equal ones become 0. */
function fromSmallestToLargest(values: readonly number[]): number[] {
  const [low, high] = values.reduce<readonly [number, number]>(
    ([least, most], value) => [Math.min(least, value), Math.max(most, value)],
    [Infinity, -Infinity],
  );
  return values.map((value) => (high > low ? (value - low) / (high - low) : 0));
}
