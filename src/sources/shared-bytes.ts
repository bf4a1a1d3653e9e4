import { abortable } from '../core/abort';
import type { Allocate } from '../formats/checkpoint-reader';

/**
 * Brings bytes. Memory from `allocate` is used again once they were dropped, so whoever loads with it
 * must let nobody keep them longer than `use` does.
 */
export type LoadBytes = (signal: AbortSignal, allocate: Allocate) => Promise<Uint8Array>;

/** Bytes that are being read or have arrived. */
interface Held {
  readonly bytes: Promise<Uint8Array>;
  readonly sizeBytes: number;
  readonly lent: Lent;
  /** Ends the reading when everyone who waited for it has gone. */
  readonly controller: AbortController;
  waiting: number;
  settled: boolean;
  /** Nobody is expected to want it again soon, so it goes first. */
  passed: boolean;
}

/** What `allocate` gave to a load, if it was asked. */
interface Lent {
  memory: Uint8Array | undefined;
}

/**
 * Files or chunks kept in memory up to a budget, least recently used dropped first. Reads that want
 * the same one share one load; it is given up only when all of them have been aborted.
 */
export class SharedBytes {
  readonly budgetBytes: number;
  readonly #held = new Map<string, Held>();
  /** Memory of bytes that were dropped: fresh pages cost more than the copy into them. */
  #spare: Uint8Array[] = [];

  constructor(budgetBytes: number) {
    this.budgetBytes = budgetBytes;
  }

  /** The bytes under `key`, not a copy. A failed load is forgotten, so that the next read retries. */
  async get(
    key: string,
    sizeBytes: number,
    load: LoadBytes,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    return this.use(key, sizeBytes, load, (bytes) => bytes, signal);
  }

  /** As `get`; the bytes stay as they are until `work` has settled. */
  async use<T>(
    key: string,
    sizeBytes: number,
    load: LoadBytes,
    work: (bytes: Uint8Array) => T | Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    signal?.throwIfAborted();
    const known = this.#held.get(key);
    this.#evict(key, known === undefined ? sizeBytes : 0);
    const held = known ?? this.#begin(key, sizeBytes, load);
    this.#held.delete(key);
    this.#held.set(key, held);
    this.#trimSpare();
    held.passed = false;
    held.waiting += 1;
    try {
      return await work(await abortable(held.bytes, signal));
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
  ahead(key: string, sizeBytes: number, load: LoadBytes, signal?: AbortSignal): void {
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
    this.#spare = [];
  }

  #begin(key: string, sizeBytes: number, load: LoadBytes): Held {
    const controller = new AbortController();
    const lent: Lent = { memory: undefined };
    const bytes = load(controller.signal, (lengthBytes) => {
      lent.memory = this.#takeSpare(lengthBytes) ?? new Uint8Array(lengthBytes);
      this.#trimSpare();
      return lent.memory;
    });
    const held: Held = {
      bytes,
      sizeBytes,
      lent,
      controller,
      waiting: 0,
      settled: false,
      passed: false,
    };
    bytes.then(
      (found) => {
        held.settled = true;
        if (found !== lent.memory) lent.memory = undefined;
        this.#trimSpare();
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

  /**
   * Drops what was passed, then the oldest, until the rest fits beside so many bytes; `keep` stays even
   * if too large.
   */
  #evict(keep: string, besideBytes: number): void {
    const goalBytes = this.budgetBytes - besideBytes;
    this.#drop(goalBytes, (held, key) => held.passed && key !== keep);
    this.#drop(goalBytes, (_held, key) => key !== keep);
  }

  /** Drops settled bytes that `may` go, oldest first, until no more than `goalBytes` are held. */
  #drop(goalBytes: number, may: (held: Held, key: string) => boolean): void {
    let totalBytes = this.#totalBytes();
    for (const [key, held] of this.#held) {
      if (totalBytes <= goalBytes) return;
      if (!held.settled || held.waiting > 0 || !may(held, key)) continue;
      this.#held.delete(key);
      totalBytes -= held.sizeBytes;
      if (held.lent.memory !== undefined) this.#spare.push(held.lent.memory);
    }
  }

  #takeSpare(sizeBytes: number): Uint8Array | undefined {
    const index = this.#spare.findIndex(({ byteLength }) => byteLength === sizeBytes);
    return index < 0 ? undefined : this.#spare.splice(index, 1)[0];
  }

  /** Spare memory takes what the budget leaves it; loads that have no memory yet may want it. */
  #trimSpare(): void {
    let leftBytes = this.budgetBytes;
    for (const { sizeBytes, settled, lent } of this.#held.values()) {
      if (settled || lent.memory !== undefined) leftBytes -= sizeBytes;
    }
    this.#spare = this.#spare.filter(({ byteLength }) => {
      leftBytes -= byteLength;
      return leftBytes >= 0;
    });
  }

  #totalBytes(): number {
    let totalBytes = 0;
    for (const { sizeBytes } of this.#held.values()) totalBytes += sizeBytes;
    return totalBytes;
  }
}
