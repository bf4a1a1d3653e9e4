/** Writes the parts of a GGUF header in order, well formed or not. */
export class GgufText {
  readonly #bytes: number[] = [];

  constructor({ magic = 0x46554747, version = 3, tensors = 0, fields = 0 } = {}) {
    this.u32(magic).u32(version).u64(tensors).u64(fields);
  }

  bytes(...values: readonly number[]): this {
    this.#bytes.push(...values);
    return this;
  }

  u32(value: number): this {
    for (let byte = 0; byte < 4; byte++) this.#bytes.push((value >>> (8 * byte)) & 255);
    return this;
  }

  u64(value: number): this {
    return this.u32(value % 2 ** 32).u32(Math.floor(value / 2 ** 32));
  }

  text(value: string): this {
    const encoded = new TextEncoder().encode(value);
    return this.u64(encoded.byteLength).bytes(...encoded);
  }

  /** `lengths` in the order of the file: the innermost axis first. */
  tensor(info: {
    readonly name: string;
    readonly lengths: readonly number[];
    readonly type: number;
    readonly offset: number;
  }): this {
    this.text(info.name).u32(info.lengths.length);
    for (const length of info.lengths) this.u64(length);
    return this.u32(info.type).u64(info.offset);
  }

  /** What was written, padded to 32 bytes and followed by `dataBytes` zeros. */
  file(dataBytes: number): Uint8Array {
    const paddedBytes =
      dataBytes === 0 ? this.#bytes.length : Math.ceil(this.#bytes.length / 32) * 32;
    const file = new Uint8Array(paddedBytes + dataBytes);
    file.set(this.#bytes);
    return file;
  }
}
