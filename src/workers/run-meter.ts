/** How a run goes, told often; everything else is in its record. */
export interface RunLive {
  readonly stage: string;
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly elapsedMs: number;
  readonly bytesPerSecond?: number;
  readonly leftMs?: number;
}

/** No more often than a person can see. */
const tellIntervalMs = 200;
/** The rate is that of the last seconds, so that it follows the network. */
const rateWindowMs = 10_000;

/**
 * Counts the output of a run. It tells when something happens and never by a timer, which a page in
 * the background would hold up.
 */
export class RunMeter {
  readonly #tell: (live: RunLive) => void;
  readonly #earlierMs: number;
  readonly #startMs = performance.now();
  readonly #recent: { readonly atMs: number; readonly madeBytes: number }[] = [];
  #toldMs = -Infinity;
  #stage = 'Reading headers';
  #madeBytes = 0;
  #keptBytes = 0;
  #totalBytes = 0;

  /** @param earlierMs time that the run took before it was interrupted */
  constructor(earlierMs: number, tell: (live: RunLive) => void) {
    this.#earlierMs = earlierMs;
    this.#tell = tell;
  }

  get elapsedMs(): number {
    return this.#earlierMs + performance.now() - this.#startMs;
  }

  get live(): RunLive {
    const counts = {
      stage: this.#stage,
      doneBytes: this.#keptBytes + this.#madeBytes,
      totalBytes: this.#totalBytes,
      elapsedMs: this.elapsedMs,
    };
    const [first] = this.#recent;
    const spanMs = performance.now() - (first?.atMs ?? performance.now());
    const newBytes = this.#madeBytes - (first?.madeBytes ?? this.#madeBytes);
    if (first === undefined || spanMs < 1 || newBytes <= 0) return counts;
    const bytesPerSecond = (1000 * newBytes) / spanMs;
    const leftBytes = Math.max(0, counts.totalBytes - counts.doneBytes);
    return { ...counts, bytesPerSecond, leftMs: (1000 * leftBytes) / bytesPerSecond };
  }

  /** Begins at zero; `totalBytes` of output are to come. */
  begin(totalBytes: number): void {
    this.#totalBytes = totalBytes;
    this.#madeBytes = 0;
    this.#keptBytes = 0;
    this.#recent.length = 0;
    this.#tellNow();
  }

  enter(stage: string): void {
    if (stage === this.#stage) return;
    this.#stage = stage;
    this.#tellNow();
  }

  /** Bytes of output that are stored now, or were before the run went on. */
  count(bytes: number, wasKept: boolean): void {
    if (wasKept) this.#keptBytes += bytes;
    else this.#madeBytes += bytes;
    const nowMs = performance.now();
    if (!wasKept) this.#recent.push({ atMs: nowMs, madeBytes: this.#madeBytes });
    while ((this.#recent[0]?.atMs ?? nowMs) < nowMs - rateWindowMs) this.#recent.shift();
    if (nowMs - this.#toldMs >= tellIntervalMs) this.#tellNow();
  }

  #tellNow(): void {
    this.#toldMs = performance.now();
    this.#tell(this.live);
  }
}
