import { LabError } from '../core/errors';
import { decodeUtf8, shownBytes } from './text';

/** Thrown when a header goes on beyond the bytes at hand; the parser turns it into a request for more. */
export class NeedsBytes extends Error {
  /** Counted from the beginning of the file. */
  readonly endBytes: number;

  constructor(endBytes: number) {
    super('the header goes on');
    this.endBytes = endBytes;
  }
}

/**
 * Reads the beginning of a GGUF file in order, little endian. Nothing is allocated by a length that
 * the file states: what does not fit the file is refused first.
 */
export class GgufCursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #fileSizeBytes: number;
  readonly #fileName: string;
  #offset = 0;

  /** @param bytes the beginning of the file */
  constructor(bytes: Uint8Array, fileSizeBytes: number, fileName: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#fileSizeBytes = fileSizeBytes;
    this.#fileName = fileName;
  }

  /** Where the next value begins, counted from the beginning of the file. */
  get offsetBytes(): number {
    return this.#offset;
  }

  u8(what: string): number {
    return this.#view.getUint8(this.#take(1, what));
  }

  i8(what: string): number {
    return this.#view.getInt8(this.#take(1, what));
  }

  u16(what: string): number {
    return this.#view.getUint16(this.#take(2, what), true);
  }

  i16(what: string): number {
    return this.#view.getInt16(this.#take(2, what), true);
  }

  u32(what: string): number {
    return this.#view.getUint32(this.#take(4, what), true);
  }

  i32(what: string): number {
    return this.#view.getInt32(this.#take(4, what), true);
  }

  f32(what: string): number {
    return this.#view.getFloat32(this.#take(4, what), true);
  }

  f64(what: string): number {
    return this.#view.getFloat64(this.#take(8, what), true);
  }

  /** Rounded to a double, which is exact up to 2^53. */
  u64(what: string): number {
    return Number(this.#view.getBigUint64(this.#take(8, what), true));
  }

  /** Rounded to a double, which is exact up to ±2^53. */
  i64(what: string): number {
    return Number(this.#view.getBigInt64(this.#take(8, what), true));
  }

  /**
   * A u64 that counts or measures something.
   * @throws LabError `format/too-large` above `max`
   */
  count(what: string, max: number): number {
    const value = this.u64(what);
    if (value <= max) return value;
    throw new LabError(
      'format/too-large',
      `${this.#fileName} states ${String(value)} for ${what}, above the limit of ${String(max)}; it is damaged or not a GGUF file, so download it again.`,
      { details: { file: this.#fileName, field: what, value: String(value), limit: max } },
    );
  }

  /** A text with its length before it. */
  text(what: string, maxSizeBytes: number): string {
    const sizeBytes = this.count(`the length of ${what}`, maxSizeBytes);
    const begin = this.#take(sizeBytes, what);
    const bytes = this.#bytes.subarray(begin, begin + sizeBytes);
    return decodeUtf8(bytes, `${this.#fileName}, in ${what},`, 'format/bad-header');
  }

  /** Leaves bytes unread. */
  skip(sizeBytes: number, what: string): void {
    this.#take(sizeBytes, what);
  }

  #take(sizeBytes: number, what: string): number {
    const begin = this.#offset;
    const end = begin + sizeBytes;
    if (end > this.#fileSizeBytes) {
      throw new LabError(
        'format/truncated',
        `${this.#fileName} ends inside its header, in ${what} (${shownBytes(this.#fileSizeBytes)} of at least ${shownBytes(end)}); download it again.`,
        { details: { file: this.#fileName, field: what, sizeBytes: this.#fileSizeBytes } },
      );
    }
    if (end > this.#bytes.byteLength) throw new NeedsBytes(end);
    this.#offset = end;
    return begin;
  }
}
