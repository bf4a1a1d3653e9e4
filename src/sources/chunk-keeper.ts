import { LabError, sentenceOf } from '../core/errors';
import type { LabStore } from '../store/lab-store';
import { quotaError } from '../store/problems';
import type { DriverId } from '../store/schema';
import type { ReadSession } from './read-session';

/** A file as the store knows it. */
export interface KeptFile {
  /** For messages. */
  readonly name: string;
  readonly key: string;
  readonly sizeBytes: number;
}

export interface KeeperOptions {
  /** Bytes of all files, which decides the driver. */
  readonly modelBytes: number;
  /** Lists the model in the store; called before its first chunk is stored. */
  readonly onFirst: () => Promise<void>;
  readonly onProblem: ((error: LabError) => void) | undefined;
}

/**
 * Stores the chunks of one model behind its reader. When the store is full, old models make room
 * once; after that nothing more is stored in this session, and the reader never hears of it. A file
 * that turns out not to be what its name promises is heard of at the next read.
 */
export class ChunkKeeper {
  readonly #store: LabStore;
  readonly #session: ReadSession;
  readonly #options: KeeperOptions;
  #begun: Promise<DriverId> | undefined;
  #failure: LabError | undefined;
  #hasMadeRoom = false;
  /** Chunks that wait to be stored, which the store cannot give yet. */
  readonly #waiting = new Map<string, Uint8Array>();

  constructor(store: LabStore, session: ReadSession, options: KeeperOptions) {
    this.#store = store;
    this.#session = session;
    this.#options = options;
  }

  /** @throws LabError `hub/wrong-hash` when what was read so far must not be used */
  throwIfWrong(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Takes a chunk that nobody changes any more; waits only while too many are on their way. */
  async keepLater(file: KeptFile, index: number, bytes: Uint8Array): Promise<void> {
    if (!this.#session.isStoring) return;
    const name = waitingName(file, index);
    this.#waiting.set(name, bytes);
    await this.#session.writes.add(bytes.byteLength, async () => {
      try {
        await this.keep(file, index, bytes);
      } catch (error) {
        this.#fail(error);
      } finally {
        this.#waiting.delete(name);
      }
    });
  }

  /** A chunk that was read and is not stored yet: nobody needs to fetch it again. Not a copy. */
  waiting(file: KeptFile, index: number): Uint8Array | undefined {
    return this.#waiting.get(waitingName(file, index));
  }

  /**
   * Stores a chunk now.
   * @returns false when nothing more is stored
   * @throws LabError `hub/wrong-hash`
   */
  async keep(file: KeptFile, index: number, bytes: Uint8Array): Promise<boolean> {
    if (!this.#session.isStoring) return false;
    const driver = await (this.#begun ??= this.#begin());
    const write = async (): Promise<boolean> => {
      try {
        return await this.#store.files.writeChunk(file.key, file.sizeBytes, index, bytes, {
          driver,
        });
      } catch (error) {
        throw named(error, file);
      }
    };
    if (await write()) return true;
    if ((await this.#makeRoom(bytes.byteLength)) && (await write())) return true;
    await this.#giveUp(bytes.byteLength);
    return false;
  }

  async #begin(): Promise<DriverId> {
    await this.#options.onFirst();
    return this.#store.driverFor(this.#options.modelBytes);
  }

  /** Room for this chunk and those that follow it, for one try. */
  async #makeRoom(chunkBytes: number): Promise<boolean> {
    if (this.#hasMadeRoom || !this.#store.isFull) return false;
    this.#hasMadeRoom = true;
    const { modelBytes } = this.#options;
    return (await this.#store.makeRoom(modelBytes)) || this.#store.makeRoom(chunkBytes);
  }

  async #giveUp(neededBytes: number): Promise<void> {
    if (!this.#session.isStoring) return;
    this.#session.isStoring = false;
    // Where there is no storage at all the store has told so itself.
    if (!this.#store.isFull) return;
    this.#options.onProblem?.(quotaError(await this.#store.storageSpace(), neededBytes));
  }

  #fail(error: unknown): void {
    if (error instanceof LabError) {
      this.#failure = error;
      this.#session.wrong ??= error;
      return;
    }
    this.#session.isStoring = false;
    this.#options.onProblem?.(
      new LabError(
        'store/denied',
        `The browser failed to store what was read (${sentenceOf(error)}), so the rest is not kept; reload the page to try again.`,
        { cause: error },
      ),
    );
  }
}

function waitingName({ key }: KeptFile, index: number): string {
  return `${key}#${index}`;
}

/** The store knows a file by its hash only. */
function named(error: unknown, file: KeptFile): unknown {
  if (!(error instanceof LabError && error.code === 'hub/wrong-hash')) return error;
  return new LabError(
    'hub/wrong-hash',
    `${file.name} arrived with other content than its hash says, so it was dropped; try again, and if it happens again the source is damaged.`,
    { details: { ...error.details, file: file.name, key: file.key }, cause: error },
  );
}
