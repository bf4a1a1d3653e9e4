/** One measurement, as `npm run bench` prints it. */
export interface Measurement {
  readonly name: string;
  readonly backend: string;
  readonly device: string;
  readonly elementCount: number;
  /** Read and written. */
  readonly byteCount: number;
  readonly elapsedMs: number;
  /** What it is compared with, measured in the same run. */
  readonly baseline: string;
  readonly baselineMs: number;
  /** Largest resident memory of the process, and of the baseline's. */
  readonly peakBytes?: number;
  readonly baselinePeakBytes?: number;
  /** The sum of resident sets of several processes, where `peakBytes` counts shared pages once. */
  readonly peakResidentBytes?: number;
  /** Processor time of all processes of a browser. */
  readonly cpuMs?: number;
  readonly fetchCpuMs?: number;
  readonly storeCpuMs?: number;
  /** Of what a merge wrote. */
  readonly outputBytes?: number;
  /** From its store to the first token, and the rate from then on. */
  readonly firstTokenMs?: number;
  readonly tokensPerSecond?: number;
  /** Parts of the baseline. */
  readonly fetchMs?: number;
  readonly storeMs?: number;
}

/**
 * Prints one line of JSON with the ratio baselineMs / elapsedMs, above 1 is faster than the baseline,
 * and the traffic in bytes per second.
 */
export function report(measurement: Measurement): void {
  const { baselineMs, elapsedMs, byteCount } = measurement;
  const ratio = Number((baselineMs / elapsedMs).toPrecision(4));
  const bytesPerSecond = Math.round((1000 * byteCount) / elapsedMs);
  console.log(JSON.stringify({ ...measurement, ratio, bytesPerSecond }));
}

/** The middle of the values; the mean of the two middle ones when their number is even. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const low = sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
  const high = sorted[Math.ceil((sorted.length - 1) / 2)] ?? Number.NaN;
  return (low + high) / 2;
}
