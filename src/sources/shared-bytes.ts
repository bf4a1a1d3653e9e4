import { abortable } from '../core/abort';

/** Bytes that are being read or have arrived. */
interface Held {
  readonly bytes: Promise<Uint8Array>;
  readonly sizeBytes: number;
  /** Ends the reading when everyone who waited for it has gone. */
  readonly controller: AbortController;
  waiting: number;
  settled: boolean;
  /** Nobody is expected to want it again soon, so it goes first. */
  passed: boolean;
}

/**
 * Files or chunks kept in memory up to a budget, least recently used dropped first. Reads that want
 * the same one share one load; it is given up only when all of them have been aborted.
 */
export class SharedBytes {
  readonly budgetBytes: number;
  readonly #held = new Map<string, Held>();

  constructor(budgetBytes: number) {
    this.budgetBytes = budgetBytes;
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
    held.passed = false;
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

  /** Whether the bytes are here, or on their way. */
  has(key: string): boolean {
    return this.#held.has(key);
  }

  /**
   * Begins a load that nobody waits for yet, if it fits beside everything that may still be wanted.
   * It ends with `signal` unless somebody waits for it by then.
   */
  ahead(
    key: string,
    sizeBytes: number,
    load: (signal: AbortSignal) => Promise<Uint8Array>,
    signal?: AbortSignal,
  ): void {
    if (this.#held.has(key) || signal?.aborted === true) return;
    this.#drop(this.budgetBytes - sizeBytes, (held) => held.passed);
    if (this.#totalBytes() + sizeBytes > this.budgetBytes) return;
    const held = this.#begin(key, sizeBytes, load);
    this.#held.set(key, held);
    const stop = (): void => {
      if (held.waiting > 0 || held.settled) return;
      this.#forget(key, held);
      held.controller.abort();
    };
    signal?.addEventListener('abort', stop, { once: true });
    const unhear = (): void => signal?.removeEventListener('abort', stop);
    held.bytes.then(unhear, unhear);
  }

  /** Says that a reader went on from these bytes, so that they make room first. */
  pass(key: string): void {
    const held = this.#held.get(key);
    if (held !== undefined) held.passed = true;
  }

  clear(): void {
    this.#held.clear();
  }

  #begin(key: string, sizeBytes: number, load: (signal: AbortSignal) => Promise<Uint8Array>): Held {
    const controller = new AbortController();
    const bytes = load(controller.signal);
    const held: Held = {
      bytes,
      sizeBytes,
      controller,
      waiting: 0,
      settled: false,
      passed: false,
    };
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

  /** Drops what was passed, then the oldest, until the rest fits; `keep` stays even if too large. */
  #evict(keep: string): void {
    this.#drop(this.budgetBytes, (held, key) => held.passed && key !== keep);
    this.#drop(this.budgetBytes, (_held, key) => key !== keep);
  }

  /** Drops settled bytes that `may` go, oldest first, until no more than `goalBytes` are held. */
  #drop(goalBytes: number, may: (held: Held, key: string) => boolean): void {
    let totalBytes = this.#totalBytes();
    for (const [key, held] of this.#held) {
      if (totalBytes <= goalBytes) return;
      if (!held.settled || held.waiting > 0 || !may(held, key)) continue;
      this.#held.delete(key);
      totalBytes -= held.sizeBytes;
    }
  }

  #totalBytes(): number {
    let totalBytes = 0;
    for (const { sizeBytes } of this.#held.values()) totalBytes += sizeBytes;
    return totalBytes;
  }
}
