import { LabError } from '../core/errors';
import type { StreamHash } from './hashes';

/** Copied to the thread at a time. */
const pieceBytes = 1 << 20;
/** Pieces on their way: enough that those of several hashes meet, which are hashed faster together. */
const pieceCount = 16;

/** What the thread is asked, in order; `hash` numbers the hashes that are being computed. */
export type HashQuestion =
  | { readonly kind: 'start'; readonly pieces: SharedArrayBuffer; readonly pieceBytes: number }
  | { readonly kind: 'load'; readonly hash: number; readonly state: Uint8Array }
  | {
      readonly kind: 'piece';
      readonly hash: number;
      readonly place: number;
      readonly lengthBytes: number;
    }
  | { readonly kind: 'save'; readonly hash: number; readonly save: number }
  | { readonly kind: 'digest'; readonly hash: number }
  | { readonly kind: 'drop'; readonly hash: number };

/** That a piece was taken in, what a hash was at when it was saved, or what it ended with. */
export type HashAnswer =
  | { readonly kind: 'taken'; readonly place: number }
  | { readonly kind: 'saved'; readonly save: number; readonly state: Uint8Array }
  | { readonly kind: 'digest'; readonly hash: number; readonly hex: string };

/** The other side of a thread that hashes. */
export interface HashPort {
  post(question: HashQuestion): void;
  /** Called once; `onEnd` hears of a thread that failed. */
  listen(onAnswer: (answer: HashAnswer) => void, onEnd: (cause: unknown) => void): void;
  end(): void;
}

/**
 * A thread that computes SHA-256, of several streams at once. `update` only copies the bytes into
 * memory that both threads see, and waits while the other one is sixteen pieces behind.
 */
export class HashThread {
  readonly #port: HashPort;
  readonly #pieces = new Uint8Array(new SharedArrayBuffer(pieceBytes * pieceCount));
  readonly #free = Array.from({ length: pieceCount }, (_, place) => place);
  readonly #digests = new Map<number, string>();
  readonly #saved = new Map<number, Uint8Array>();
  #hashCount = 0;
  #saveCount = 0;
  #failure: LabError | undefined;
  #waiting: (() => void)[] = [];

  constructor(port: HashPort) {
    this.#port = port;
    port.listen(
      (answer) => {
        if (answer.kind === 'taken') this.#free.push(answer.place);
        else if (answer.kind === 'saved') this.#saved.set(answer.save, answer.state);
        else this.#digests.set(answer.hash, answer.hex);
        this.#changed();
      },
      (cause) => {
        this.#fail(cause);
      },
    );
    port.post({ kind: 'start', pieces: this.#pieces.buffer, pieceBytes });
  }

  /**
   * Begins a hash. Its methods throw LabError `worker/crashed` when the thread has ended.
   * @param state goes on from it; one that is none ends the thread
   */
  open(state?: Uint8Array): StreamHash {
    const hash = this.#hashCount;
    this.#hashCount += 1;
    if (state !== undefined) this.#port.post({ kind: 'load', hash, state });
    return {
      update: async (bytes) => {
        for (let offset = 0; offset < bytes.byteLength; offset += pieceBytes) {
          const piece = bytes.subarray(offset, offset + pieceBytes);
          const place = await this.#until(() => this.#free.pop());
          this.#pieces.set(piece, place * pieceBytes);
          this.#port.post({ kind: 'piece', hash, place, lengthBytes: piece.byteLength });
        }
      },
      save: async () => {
        const save = this.#saveCount;
        this.#saveCount += 1;
        this.#port.post({ kind: 'save', hash, save });
        const saved = await this.#until(() => this.#saved.get(save));
        this.#saved.delete(save);
        return saved;
      },
      digestHex: async () => {
        this.#port.post({ kind: 'digest', hash });
        return this.#until(() => this.#digests.get(hash));
      },
      dispose: () => {
        this.#port.post({ kind: 'drop', hash });
      },
    };
  }

  end(): void {
    this.#port.end();
    this.#fail(undefined);
  }

  #fail(cause: unknown): void {
    this.#failure ??= new LabError(
      'worker/crashed',
      'The thread that checks and hashes files ended too early; resume the run.',
      { cause },
    );
    this.#changed();
  }

  async #until<T>(look: () => T | undefined): Promise<T> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      const found = look();
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
  }

  #changed(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
