import { setTimeout as delay } from 'node:timers/promises';

/** A line between two machines, which all transfers share. It is as fast as memory until it is bound. */
export class Line {
  #bytesPerSecond = Infinity;
  #freeAtMs = 0;
  #carriedBytes = 0;

  get carriedBytes(): number {
    return this.#carriedBytes;
  }

  bind(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** Settles when so many bytes have had their time on the line. */
  async carry(sizeBytes: number): Promise<void> {
    this.#carriedBytes += sizeBytes;
    if (this.#bytesPerSecond === Infinity) return;
    const beginMs = Math.max(performance.now(), this.#freeAtMs);
    this.#freeAtMs = beginMs + (1000 * sizeBytes) / this.#bytesPerSecond;
    await delay(this.#freeAtMs - performance.now());
  }
}
