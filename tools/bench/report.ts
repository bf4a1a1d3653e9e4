/** One measurement, as `npm run bench` prints it. */
export interface Measurement {
  readonly name: string;
  readonly backend: string;
  readonly device: string;
  readonly elementCount: number;
  readonly byteCount: number;
  readonly elapsedMs: number;
  /** What it is compared with, measured in the same run. */
  readonly baseline: string;
  readonly baselineMs: number;
}

/** Prints one line of JSON with the ratio baselineMs / elapsedMs: above 1 is faster than the baseline. */
export function report(measurement: Measurement): void {
  const ratio = measurement.baselineMs / measurement.elapsedMs;
  console.log(JSON.stringify({ ...measurement, ratio: Number(ratio.toPrecision(4)) }));
}

/** The middle of the values; the mean of the two middle ones when their number is even. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const low = sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
  const high = sorted[Math.ceil((sorted.length - 1) / 2)] ?? Number.NaN;
  return (low + high) / 2;
}
