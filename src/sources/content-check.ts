import { abortable } from '../core/abort';
import { invariant, LabError } from '../core/errors';
import { checksum128, type CreateHash, type StreamHash } from '../formats/hashes';
import type { CheckState, HeadSum } from './check-state';

/** Read again of one file at most while it is being read, to hash what the reader left out. */
const maxAgainBytes = 64 << 20;
/**
 * Read again at the end: a quarter of the file. That is a head of weights which this file has at its
 * end and the output at its beginning; a file in quite another order is not fetched twice.
 */
const maxEndShare01 = 0.25;
/** Chunks that a reader may look ahead before what it jumped over counts as left out. */
const maxAhead = 3;

/** A file whose chunks are not stored. */
export interface UnkeptFile {
  /** For messages. */
  readonly name: string;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly chunkBytes: number;
  /** A chunk from its source. @throws LabError as the source */
  readonly readAgain: (index: number, signal: AbortSignal | undefined) => Promise<Uint8Array>;
}

/** Chunks that a read brings. */
interface Coming {
  /** The next one of them to be taken in. */
  index: number;
  readonly endIndex: number;
}

/**
 * Checks a file against its SHA-256 while it is read by chunks, for want of a store that would. The
 * hash needs the chunks in order: one that comes too early waits while those before it are on their
 * way, and else is hashed when the reader comes to it again, which is usual for what was read ahead.
 * What the reader leaves out is read for the hash alone: up to 64 MiB on the way, and at the end up to
 * a quarter of the file.
 *
 * A chunk that comes twice must be the same both times; that is told by a checksum, which is no
 * protection against bytes made to deceive.
 */
export class ContentCheck {
  readonly #file: UnkeptFile;
  readonly #createHash: CreateHash;
  #hash: StreamHash | undefined;
  readonly #onWrong: (error: LabError) => void;
  readonly #chunkCount: number;
  /** All chunks before this one are in the hash. */
  #next = 0;
  /** Somebody adds to the hash. */
  #isHashing = false;
  #againBytes = maxAgainBytes;
  #failure: Error | undefined;
  #waiting: (() => void)[] = [];
  readonly #coming = new Set<Coming>();
  /** Checksums of chunks that were read. */
  readonly #sums: Map<number, string>;
  /** The latest state of the hash that another visit can go on from. */
  #hashed: CheckState['hashed'];
  /** Chunks behind a gap that were read since the gap came to be. */
  readonly #ahead = new Set<number>();
  /** Of bytes at the file's beginning that were read without their chunk. */
  readonly #heads: HeadSum[];

  /**
   * @param onWrong told at once of `hub/wrong-hash`, which whoever reads may not hear
   * @param known from an earlier visit, of the same file in chunks of the same size; goes on from it
   */
  constructor(
    file: UnkeptFile,
    createHash: CreateHash,
    onWrong: (error: LabError) => void,
    known?: CheckState,
  ) {
    this.#file = file;
    this.#createHash = createHash;
    this.#onWrong = onWrong;
    this.#chunkCount = chunkCountOf(file);
    this.#sums = new Map(known?.sums);
    this.#heads = [...(known?.heads ?? [])];
    this.#hashed = known?.hashed;
    this.#next = known?.hashed?.chunkCount ?? 0;
  }

  /** What has been found out so far, for another visit. */
  get state(): CheckState {
    return {
      name: this.#file.name,
      chunkBytes: this.#file.chunkBytes,
      chunkCount: this.#chunkCount,
      sums: new Map(this.#sums),
      heads: [...this.#heads],
      hashed: this.#hashed,
    };
  }

  /** Whether more of the file was read than its header. */
  get isUsed(): boolean {
    return this.#sums.size > 0;
  }

  /** Whether a chunk was read. */
  has(index: number): boolean {
    return this.#sums.has(index);
  }

  /** Remembers bytes that were read without their chunk, the first; they are compared with it. */
  async noteHead(offsetBytes: number, bytes: Uint8Array): Promise<void> {
    const endBytes = offsetBytes + bytes.byteLength;
    this.#heads.push({ beginBytes: offsetBytes, endBytes, sum: await checksum128(bytes) });
  }

  /**
   * Reads whole chunks and takes them in before the reader has them.
   * @throws LabError `hub/wrong-hash`; what `read` throws
   */
  async through(
    index: number,
    count: number,
    read: () => Promise<Uint8Array>,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    this.#throwIfFailed();
    const coming = { index, endIndex: index + count };
    this.#coming.add(coming);
    try {
      const bytes = await read();
      for (; coming.index < coming.endIndex; coming.index++) {
        const beginBytes = (coming.index - index) * this.#file.chunkBytes;
        const chunk = bytes.subarray(beginBytes, beginBytes + this.#file.chunkBytes);
        await this.#compare(coming.index, chunk);
        await this.#take(coming.index, chunk, coming, signal);
      }
      return bytes;
    } finally {
      this.#coming.delete(coming);
      this.#changed();
    }
  }

  /**
   * Takes in a chunk that was at hand, in memory or stored.
   * @throws LabError `hub/wrong-hash`
   */
  async see(index: number, chunk: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    this.#throwIfFailed();
    if (!this.#sums.has(index)) await this.#compare(index, chunk);
    await this.#take(index, chunk, undefined, signal);
  }

  /**
   * Ends the check, after reading what is still missing.
   * @returns false when too much is missing, so that the file may be wrong
   * @throws LabError `hub/wrong-hash`; as the source
   */
  async finish(signal: AbortSignal | undefined): Promise<boolean> {
    this.#throwIfFailed();
    if (!this.isUsed) return true;
    while (this.#isHashing) await abortable(this.#change(), signal);
    this.#againBytes = Math.max(maxAgainBytes, this.#file.sizeBytes * maxEndShare01);
    return this.#catchUp(this.#chunkCount, signal);
  }

  #throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #take(
    index: number,
    chunk: Uint8Array,
    own: Coming | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    while (index >= this.#next && (this.#isHashing || (index > this.#next && this.#comes(own)))) {
      await abortable(this.#change(), signal);
    }
    this.#throwIfFailed();
    if (index < this.#next) return;
    if (index > this.#next) {
      this.#ahead.add(index);
      const isLeftBehind = this.#sums.has(this.#next) || this.#ahead.size > maxAhead;
      if (!isLeftBehind || !(await this.#catchUp(index, signal))) return;
      await this.#take(index, chunk, own, signal);
      return;
    }
    await this.#alone(async () => this.#add(chunk));
  }

  /** Whether the chunk that the hash waits for is on its way, by another read. */
  #comes(own: Coming | undefined): boolean {
    return [...this.#coming].some(
      (coming) => coming !== own && coming.index <= this.#next && this.#next < coming.endIndex,
    );
  }

  /**
   * Reads up to a chunk what the hash lacks.
   * @returns false when that is too much
   */
  async #catchUp(endIndex: number, signal: AbortSignal | undefined): Promise<boolean> {
    const { sizeBytes, chunkBytes, readAgain } = this.#file;
    const lackBytes = Math.min(sizeBytes, endIndex * chunkBytes) - this.#next * chunkBytes;
    if (lackBytes > this.#againBytes) return false;
    this.#againBytes -= Math.max(0, lackBytes);
    await this.#alone(async () => {
      while (this.#next < endIndex) {
        const chunk = await readAgain(this.#next, signal);
        await this.#compare(this.#next, chunk);
        await this.#add(chunk);
      }
    });
    return true;
  }

  async #alone(work: () => Promise<void>): Promise<void> {
    invariant(!this.#isHashing, 'one adds to a hash at a time');
    this.#isHashing = true;
    try {
      await work();
    } finally {
      this.#isHashing = false;
      this.#changed();
    }
  }

  /** Adds the next chunk to the hash, and compares the hash after the last. */
  async #add(chunk: Uint8Array): Promise<void> {
    try {
      this.#hash ??= await this.#createHash(this.#hashed?.state);
      await this.#hash.update(chunk);
      this.#ahead.delete(this.#next);
      this.#next += 1;
      if (this.#next < this.#chunkCount) {
        void this.#saveHash(this.#hash);
        return;
      }
      const found = await this.#hash.digestHex();
      this.#hash.dispose?.();
      if (found !== this.#file.sha256) this.#fail(found);
      this.#hashed = { chunkCount: this.#chunkCount, state: new Uint8Array() };
    } catch (error) {
      // A hash that broke off proves nothing any more.
      this.#failure ??= error instanceof Error ? error : new Error(String(error));
      throw error;
    }
  }

  /** Nobody waits for it: a hash on another thread is behind, and its reader shall not be. */
  async #saveHash(hash: StreamHash): Promise<void> {
    const chunkCount = this.#next;
    try {
      const state = await hash.save?.();
      if (state === undefined || chunkCount < (this.#hashed?.chunkCount ?? 0)) return;
      this.#hashed = { chunkCount, state };
    } catch {
      // The next one who hashes hears of it.
    }
  }

  /** Whether a chunk is what it was before. */
  async #compare(index: number, chunk: Uint8Array): Promise<void> {
    const sum = await checksum128(chunk);
    const known = this.#sums.get(index);
    if (known !== undefined && known !== sum) this.#fail();
    this.#sums.set(index, sum);
    if (index > 0) return;
    for (const head of this.#heads.splice(0)) {
      const bytes = chunk.subarray(head.beginBytes, head.endBytes);
      if ((await checksum128(bytes)) !== head.sum) this.#fail();
    }
  }

  #fail(found?: string): never {
    const { name, sha256 } = this.#file;
    const error = new LabError(
      'hub/wrong-hash',
      `${name} arrived with other content than its hash says, so nothing that was made of it is kept; try again, and if it happens again the source is damaged.`,
      { details: { file: name, expected: sha256, ...(found === undefined ? {} : { found }) } },
    );
    this.#failure ??= error;
    this.#onWrong(error);
    throw error;
  }

  async #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  #changed(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** In how many chunks a file is read. */
export function chunkCountOf({
  sizeBytes,
  chunkBytes,
}: Pick<UnkeptFile, 'sizeBytes' | 'chunkBytes'>): number {
  return Math.ceil(sizeBytes / chunkBytes);
}
