import { abortable } from '../core/abort';
import { invariant, LabError } from '../core/errors';
import type { ProgressMeter } from '../core/progress';
import type { Allocate } from '../formats/checkpoint-reader';
import type { LabStore } from '../store/lab-store';
import type { ChunkKeeper, KeptFile } from './chunk-keeper';
import type { ContentCheck } from './content-check';
import { chunkSpans, type ChunkSpan } from './chunk-spans';
import type { ModelFile } from './model-files';
import { checkRange } from './read-range';
import type { ReadSession } from './read-session';
import { ReaderPlace } from './reader-place';
import type { LoadBytes } from './shared-bytes';

/**
 * Reads this near to a large file's beginning, where its header lies, do not fill a chunk: a plan
 * reads headers of many files and nothing else.
 */
const headBytes = 1 << 20;

/** Requests that are under way at once for one file. */
const parallelCount = 3;

export interface CachedFileParts {
  readonly source: ModelFile;
  readonly key: string;
  /** For messages. */
  readonly name: string;
  readonly store: LabStore;
  readonly session: ReadSession;
  /** Stores what was read; absent when nothing is to be stored. */
  readonly keeper: ChunkKeeper | undefined;
  readonly onProblem: ((error: LabError) => void) | undefined;
}

/** One file between its source and its readers; see `CachedFiles`. */
export class CachedFile implements ModelFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly key: string;
  readonly #parts: CachedFileParts;
  readonly #kept: KeptFile;
  /** What is fetched at a time; see `ReadSession.pieceBytesOf`. */
  #chunkBytes: number;
  #sizing: Promise<void> | undefined;
  readonly #place = new ReaderPlace();
  /** Begun when bytes are read that no store checks. */
  #check: ContentCheck | undefined;

  constructor(parts: CachedFileParts) {
    const { source, key, name, store } = parts;
    this.path = source.path;
    this.sizeBytes = source.sizeBytes;
    this.key = key;
    this.#parts = parts;
    this.#kept = { key, name, sizeBytes: source.sizeBytes };
    this.#chunkBytes = store.files.chunkSizeBytes;
  }

  async read(
    offsetBytes: number,
    lengthBytes: number,
    signal?: AbortSignal,
    allocate: Allocate = (sizeBytes) => new Uint8Array(sizeBytes),
  ): Promise<Uint8Array> {
    checkRange(this.#kept.name, this.sizeBytes, offsetBytes, lengthBytes);
    signal?.throwIfAborted();
    await (this.#sizing ??= this.#takeSize());
    const isUnkept = !this.#isKept && !(await this.#isStored());
    if (isUnkept) this.#check ??= this.#beginCheck();
    if (await this.#isOnlyHead(offsetBytes, lengthBytes)) {
      const head = await this.#parts.source.read(offsetBytes, lengthBytes, signal, allocate);
      await this.#check?.noteHead(offsetBytes, head);
      return head;
    }
    const into = allocate(lengthBytes);
    const { keeper, session } = this.#parts;
    // One request for chunks that are neither stored nor at hand.
    const mayJoin = (index: number): boolean =>
      keeper === undefined && isUnkept && !session.chunks.has(this.#name(index));
    const spans = chunkSpans(offsetBytes, lengthBytes, this.#chunkBytes, this.sizeBytes, mayJoin);
    const waiting = [...spans];
    const work = async (): Promise<void> => {
      for (let span = waiting.shift(); span !== undefined; span = waiting.shift()) {
        await this.#fill(span, into.subarray(span.position, span.position + span.length), signal);
      }
    };
    await Promise.all(Array.from({ length: Math.min(parallelCount, spans.length) }, work));
    this.#goOn(spans, signal);
    return into;
  }

  /**
   * Brings what is missing into the store, several chunks at once and in order.
   * @throws LabError `hub/wrong-hash` when that happened twice
   */
  async fetch(
    keeper: ChunkKeeper,
    meter: ProgressMeter,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { files } = this.#parts.store;
    invariant(this.#isByStoredChunks, 'a file that is to be stored comes by the store’s chunks');
    // Bytes count once, whatever has to be fetched again.
    let countedBytes = 0;
    const count = (bytes: number): void => {
      const newBytes = Math.min(bytes, this.sizeBytes - countedBytes);
      countedBytes += newBytes;
      if (newBytes > 0) meter.advance(newBytes);
    };
    for (let attempt = 0; !(await files.has(this.key)); attempt++) {
      try {
        if (!(await this.#fetchMissing(keeper, count, signal))) return;
      } catch (error) {
        const isWrong = error instanceof LabError && error.code === 'hub/wrong-hash';
        if (!isWrong || attempt > 0) throw error;
      }
    }
    count(this.sizeBytes);
  }

  /** @returns false when the store takes no more */
  async #fetchMissing(
    keeper: ChunkKeeper,
    count: (bytes: number) => void,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const stored = await this.#parts.store.files.storedChunks(this.key, this.sizeBytes);
    const missing: number[] = [];
    for (let index = 0; index < Math.max(1, this.sizeBytes / this.#chunkBytes); index++) {
      if (stored.has(index)) count(this.#chunkLength(index));
      else missing.push(index);
    }
    const begin = (index: number): { index: number; bytes: Promise<Uint8Array> } => {
      const bytes = this.#readSource(index, 1, signal);
      // Heard in its turn; until then it must not count as unheard.
      bytes.catch(() => undefined);
      return { index, bytes };
    };
    const underway = missing.splice(0, parallelCount).map(begin);
    for (let first = underway.shift(); first !== undefined; first = underway.shift()) {
      const bytes = await abortable(first.bytes, signal);
      underway.push(...missing.splice(0, 1).map(begin));
      // A small file is most likely read next.
      if (this.sizeBytes <= this.#chunkBytes) this.#hold(first.index, bytes);
      if (!(await keeper.keep(this.#kept, first.index, bytes))) return false;
      count(bytes.byteLength);
    }
    return true;
  }

  #hold(index: number, bytes: Uint8Array): void {
    const load = async (): Promise<Uint8Array> => Promise.resolve(bytes);
    this.#parts.session.chunks.ahead(this.#name(index), bytes.byteLength, load);
  }

  async #fill(span: ChunkSpan, into: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    const { chunks } = this.#parts.session;
    const isWhole = span.length === this.#chunkLength(span.index);
    if (span.count > 1 || (isWhole && !chunks.has(this.#name(span.index)))) {
      await this.#fillWhole(span, into, signal);
      return;
    }
    const take = async (chunk: Uint8Array): Promise<void> => {
      await this.#check?.see(span.index, chunk, signal);
      into.set(chunk.subarray(span.begin, span.begin + span.length));
    };
    const load = this.#loader(span.index);
    await chunks.use(this.#name(span.index), this.#chunkLength(span.index), load, take, signal);
  }

  /** Whole chunks go straight into the reader's memory. */
  async #fillWhole(
    span: ChunkSpan,
    into: Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (span.count === 1 && (await this.#stored(span.index, into)) !== undefined) {
      await this.#check?.see(span.index, into, signal);
      return;
    }
    const bytes = await this.#readSource(span.index, span.count, signal, () => into);
    if (bytes !== into) into.set(bytes);
    // The reader may change its memory at once, so what is stored is a copy.
    const { keeper } = this.#parts;
    if (span.count === 1) await keeper?.keepLater(this.#kept, span.index, bytes.slice());
  }

  /** Brings a chunk that several readers share; one that is stored later needs memory of its own. */
  #loader(index: number): LoadBytes {
    return async (signal, allocate) => {
      const stored = await this.#stored(index);
      if (stored !== undefined) return stored;
      const { keeper } = this.#parts;
      const lent = keeper === undefined ? allocate : undefined;
      const bytes = await this.#readSource(index, 1, signal, lent);
      await keeper?.keepLater(this.#kept, index, bytes);
      return bytes;
    };
  }

  /**
   * Before the first read. What is stored comes by the store's chunks; where nothing of the file is, and
   * nothing will be, the pieces may be smaller.
   */
  async #takeSize(): Promise<void> {
    const { store, session, keeper } = this.#parts;
    const pieceBytes = session.pieceBytesOf(this.#chunkBytes);
    if (keeper !== undefined || pieceBytes === this.#chunkBytes) return;
    try {
      const stored = await store.files.storedChunks(this.key, this.sizeBytes);
      if (stored.size === 0) this.#chunkBytes = pieceBytes;
    } catch (error) {
      this.#sizing = undefined;
      throw error;
    }
  }

  /** Whether what is fetched at a time is what the store keeps by itself. */
  get #isByStoredChunks(): boolean {
    return this.#chunkBytes === this.#parts.store.files.chunkSizeBytes;
  }

  /** What the reader left may go, and what it will want is fetched ahead. */
  #goOn(spans: readonly ChunkSpan[], signal: AbortSignal | undefined): void {
    const { session } = this.#parts;
    const hasRoom = session.hasRoomAhead(this.#chunkBytes);
    const { left, next } = this.#place.moved(spans, this.#chunkBytes, hasRoom);
    if (left !== undefined) session.chunks.pass(this.#name(left));
    if (next === undefined || next * this.#chunkBytes >= this.sizeBytes) return;
    session.chunks.ahead(this.#name(next), this.#chunkLength(next), this.#loader(next), signal);
  }

  async #readSource(
    index: number,
    count: number,
    signal: AbortSignal | undefined,
    allocate?: Allocate,
  ): Promise<Uint8Array> {
    const offsetBytes = index * this.#chunkBytes;
    const endBytes = Math.min(this.sizeBytes, offsetBytes + count * this.#chunkBytes);
    const read = async (): Promise<Uint8Array> =>
      this.#parts.source.read(offsetBytes, endBytes - offsetBytes, signal, allocate);
    // Also where a stored chunk was damaged, and comes from the source again.
    if (!this.#isKept) this.#check ??= this.#beginCheck();
    return this.#check === undefined ? read() : this.#check.through(index, count, read, signal);
  }

  /** Whether what is read is stored, and checked there. */
  get #isKept(): boolean {
    const { keeper, session } = this.#parts;
    return keeper !== undefined && session.isStoring;
  }

  #beginCheck(): ContentCheck | undefined {
    const { name, key, source, session } = this.#parts;
    return session.checks?.of(key, {
      name,
      sizeBytes: this.sizeBytes,
      chunkBytes: this.#chunkBytes,
      readAgain: async (index, signal) =>
        (await this.#stored(index)) ??
        source.read(index * this.#chunkBytes, this.#chunkLength(index), signal),
    });
  }

  async #stored(index: number, into?: Uint8Array): Promise<Uint8Array | undefined> {
    const { store, keeper, onProblem } = this.#parts;
    if (!this.#isByStoredChunks) return undefined;
    const waiting = keeper?.waiting(this.#kept, index);
    if (waiting !== undefined) {
      into?.set(waiting);
      return into ?? waiting;
    }
    try {
      return await store.files.readChunk(this.key, this.sizeBytes, index, into);
    } catch (error) {
      if (!(error instanceof LabError && error.code === 'store/corrupt')) throw error;
      onProblem?.(error);
      return undefined;
    }
  }

  async #isStored(): Promise<boolean> {
    return this.#parts.store.files.has(this.key);
  }

  /** Whether a read is of a header, and its chunk is not at hand. */
  async #isOnlyHead(offsetBytes: number, lengthBytes: number): Promise<boolean> {
    if (this.#chunkBytes <= headBytes || this.sizeBytes <= this.#chunkBytes) return false;
    if (offsetBytes + lengthBytes > headBytes) return false;
    if (this.#parts.session.chunks.has(this.#name(0))) return false;
    // What was checked already is compared with all of its chunk.
    if (this.#check?.has(0) === true) return false;
    return !(await this.#parts.store.files.storedChunks(this.key, this.sizeBytes)).has(0);
  }

  #name(index: number): string {
    return `${this.key}#${index}`;
  }

  #chunkLength(index: number): number {
    return Math.min(this.#chunkBytes, this.sizeBytes - index * this.#chunkBytes);
  }
}
