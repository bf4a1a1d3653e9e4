import { abortable } from '../core/abort';

/** Bytes that are being read or have arrived. */
interface Held {
  readonly bytes: Promise<Uint8Array>;
  readonly sizeBytes: number;
  /** Ends the reading when everyone who waited for it has gone. */
  readonly controller: AbortController;
  waiting: number;
  settled: boolean;
}

/**
 * Files or chunks kept in memory up to a budget, least recently used dropped first. Reads that want
 * the same one share one load; it is given up only when all of them have been aborted.
 */
export class SharedBytes {
  readonly #budgetBytes: number;
  readonly #held = new Map<string, Held>();

  constructor(budgetBytes: number) {
    this.#budgetBytes = budgetBytes;
  }

  /** The bytes under `key`, not a copy. A failed load is forgotten, so that the next read retries. */
  async get(
    key: string,
    sizeBytes: number,
    load: (signal: AbortSignal) => Promise<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    signal?.throwIfAborted();
    const held = this.#held.get(key) ?? this.#begin(key, sizeBytes, load);
    this.#held.delete(key);
    this.#held.set(key, held);
    this.#evict(key);
    held.waiting += 1;
    try {
      return await abortable(held.bytes, signal);
    } finally {
      held.waiting -= 1;
      if (held.waiting === 0 && !held.settled) {
        this.#forget(key, held);
        held.controller.abort();
      }
    }
  }

  clear(): void {
    this.#held.clear();
  }

  #begin(key: string, sizeBytes: number, load: (signal: AbortSignal) => Promise<Uint8Array>): Held {
    const controller = new AbortController();
    const bytes = load(controller.signal);
    const held: Held = { bytes, sizeBytes, controller, waiting: 0, settled: false };
    bytes.then(
      () => {
        held.settled = true;
      },
      () => {
        held.settled = true;
        this.#forget(key, held);
      },
    );
    return held;
  }

  #forget(key: string, held: Held): void {
    if (this.#held.get(key) === held) this.#held.delete(key);
  }

  /** Drops the oldest settled bytes until the rest fits; `keep` stays even if it alone is too large. */
  #evict(keep: string): void {
    let totalBytes = 0;
    for (const held of this.#held.values()) totalBytes += held.sizeBytes;
    for (const [key, held] of this.#held) {
      if (totalBytes <= this.#budgetBytes) return;
      if (key === keep || !held.settled) continue;
      this.#held.delete(key);
      totalBytes -= held.sizeBytes;
    }
  }
}
