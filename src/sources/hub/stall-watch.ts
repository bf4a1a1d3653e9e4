/** Ends a transfer that stands still: a connection that is lost without a word never ends by itself. */
export class StallWatch {
  readonly #limitMs: number;
  readonly #onStall: () => void;
  #lastMs = performance.now();
  #timer: ReturnType<typeof setTimeout>;

  constructor(limitMs: number, onStall: () => void) {
    this.#limitMs = limitMs;
    this.#onStall = onStall;
    this.#timer = setTimeout(this.#look, limitMs);
  }

  /** Something came. Costs no timer: it is set anew only when it fires. */
  touch(): void {
    this.#lastMs = performance.now();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  readonly #look = (): void => {
    const leftMs = this.#lastMs + this.#limitMs - performance.now();
    if (leftMs <= 0) this.#onStall();
    else this.#timer = setTimeout(this.#look, leftMs);
  };
}
