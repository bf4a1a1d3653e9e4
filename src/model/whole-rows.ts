import { dtypeSizesBytes, type FloatDtype } from '../core/dtype';
import { widenFloats } from './widen-floats';

/** Values widened at a time: bounds memory to a few times 16 MB whatever the model's size. */
const maxChunkValues = 4 << 20;

/** Cuts a tensor's bytes, as they come, into float32 values of whole rows. */
export class WholeRows {
  readonly #dtype: FloatDtype;
  readonly #rowBytes: number;
  readonly #chunkBytes: number;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(dtype: FloatDtype, columns: number) {
    this.#dtype = dtype;
    this.#rowBytes = columns * dtypeSizesBytes[dtype];
    this.#chunkBytes = Math.max(1, Math.floor(maxChunkValues / columns)) * this.#rowBytes;
  }

  /** The rows that these bytes complete; what begins another one waits for the next bytes. */
  *take(bytes: Uint8Array): Generator<Float32Array> {
    const all = this.#rest.byteLength === 0 ? bytes : joined(this.#rest, bytes);
    const wholeBytes = all.byteLength - (all.byteLength % this.#rowBytes);
    for (let from = 0; from < wholeBytes; from += this.#chunkBytes) {
      const part = all.subarray(from, Math.min(from + this.#chunkBytes, wholeBytes));
      yield widenFloats(this.#dtype, part);
    }
    this.#rest = all.slice(wholeBytes);
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const all = new Uint8Array(first.byteLength + second.byteLength);
  all.set(first);
  all.set(second, first.byteLength);
  return all;
}
