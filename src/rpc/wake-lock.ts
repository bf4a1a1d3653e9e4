/** Keeps the screen, and so the machine, awake while something long is under way. */
export class WakeLock {
  readonly #reasons = new Set<string>();
  #sentinel: WakeLockSentinel | undefined;
  #isAsking = false;

  constructor() {
    // The browser takes the lock back when the page is hidden.
    document.addEventListener('visibilitychange', () => void this.#update());
  }

  hold(reason: string): void {
    this.#reasons.add(reason);
    void this.#update();
  }

  release(reason: string): void {
    this.#reasons.delete(reason);
    void this.#update();
  }

  async #update(): Promise<void> {
    if (this.#reasons.size === 0) {
      const sentinel = this.#sentinel;
      this.#sentinel = undefined;
      await sentinel?.release();
      return;
    }
    const isHeld = this.#sentinel?.released === false;
    if (isHeld || this.#isAsking || document.visibilityState !== 'visible') return;
    this.#isAsking = true;
    try {
      this.#sentinel = await navigator.wakeLock.request('screen');
    } catch {
      // Refused (battery saver) or not offered: the run goes on, and the machine may sleep.
    } finally {
      this.#isAsking = false;
    }
    if (this.#reasons.size === 0) await this.#update();
  }
}
