/** Runs `action` at most once every `intervalMs`, always ending with the newest request. */
export class Throttle {
  readonly #intervalMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastAtMs = -Infinity;

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  run(action: () => void): void {
    clearTimeout(this.#timer);
    const waitMs = Math.max(0, this.#lastAtMs + this.#intervalMs - performance.now());
    this.#timer = setTimeout(() => {
      this.#lastAtMs = performance.now();
      action();
    }, waitMs);
  }

  cancel(): void {
    clearTimeout(this.#timer);
  }
}
