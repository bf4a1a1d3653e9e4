/** The one report shape of everything that takes long. */
export interface Progress {
  /** A short phrase for the person, such as "Reading math". */
  readonly stage: string;
  readonly done: number;
  /** In the same unit as `done`; 0 when it is not known yet. */
  readonly total: number;
  readonly unit: 'bytes' | 'items' | 'tokens';
  /** Units per second since the stage began; absent until it can be told. */
  readonly ratePerSecond?: number;
  readonly secondsLeft?: number;
}

export type OnProgress = (progress: Progress) => void;

/** What every long function accepts. An abort rejects with `signal.reason`. */
export interface LongTask {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
}

/** Adds rate and time left to the counts of one stage. */
export class ProgressMeter {
  readonly #stage: string;
  readonly #total: number;
  readonly #unit: Progress['unit'];
  readonly #report: OnProgress | undefined;
  readonly #startMs = performance.now();
  #done = 0;

  constructor(
    stage: string,
    total: number,
    unit: Progress['unit'],
    report: OnProgress | undefined,
  ) {
    this.#stage = stage;
    this.#total = total;
    this.#unit = unit;
    this.#report = report;
  }

  /** Counts `amount` more and reports. */
  advance(amount: number): void {
    this.#done += amount;
    if (this.#report === undefined) return;
    const elapsedSeconds = (performance.now() - this.#startMs) / 1000;
    const counts = {
      stage: this.#stage,
      done: this.#done,
      total: this.#total,
      unit: this.#unit,
    };
    if (elapsedSeconds <= 0 || this.#done === 0) {
      this.#report(counts);
      return;
    }
    const ratePerSecond = this.#done / elapsedSeconds;
    const secondsLeft = Math.max(0, (this.#total - this.#done) / ratePerSecond);
    this.#report({ ...counts, ratePerSecond, secondsLeft });
  }
}
