import { reflectedRows, rotationBytes } from './kernels64';
import type { Workspace64 } from './workspace64';
import { roundUp, strideOf } from './workspace64';

/** What stays in a processor's cache: rows for one reflection after the other, columns for rotations. */
const blockRows = 32;
const blockColumns = 64;
/** Rotations that wait to be applied together. */
const waitingLimit = 8192;

/** The unit matrix at first; reflections and rotations make it the eigenvectors, one a row. */
export class EigenVectors {
  readonly #workspace: Workspace64;
  readonly #size: number;
  readonly #stride: number;
  readonly #values: Float64Array;
  readonly #reflections: Float64Array;
  readonly #factors: Float64Array;
  readonly #waiting: Float64Array;
  readonly #places: Int32Array;
  #waitingCount = 0;

  /** @param workspace used for nothing else meanwhile */
  constructor(workspace: Workspace64, size: number) {
    const stride = strideOf(size);
    const [values, reflections, factors, waiting] = workspace.reserve([
      roundUp(size, reflectedRows) * stride,
      size * stride,
      size,
      (waitingLimit * rotationBytes) / 8,
    ]) as [Float64Array, Float64Array, Float64Array, Float64Array];
    this.#workspace = workspace;
    this.#size = size;
    this.#stride = stride;
    this.#values = values;
    this.#reflections = reflections;
    this.#factors = factors;
    this.#waiting = waiting;
    this.#places = new Int32Array(waiting.buffer, waiting.byteOffset, 2 * waiting.length);
    for (let i = 0; i < size; i++) values[i * stride + i] = 1;
  }

  /**
   * Multiplies by the reflections I − fₖ·vₖ·vₖᵀ of the first k places, k from 1 up, from the right.
   * @param reflections a square matrix with vₖ in the first k places of row k
   */
  async applyReflections(
    reflections: Float64Array,
    factors: Float64Array,
    pause: () => Promise<void>,
  ): Promise<void> {
    const size = this.#size;
    const strideBytes = 8 * this.#stride;
    this.#factors.set(factors);
    for (let k = 1; k < size; k++) {
      this.#reflections.set(reflections.subarray(k * size, k * size + k), k * this.#stride);
    }
    for (let first = 0; first < size; first += blockRows) {
      // Rows from k on have nothing in the first k places yet.
      for (let k = first + 1; k < size; k++) {
        if (factors[k] === 0) continue;
        const end = roundUp(Math.min(first + blockRows, k), reflectedRows);
        const v = this.#reflections.byteOffset + k * strideBytes;
        this.#workspace.reflect(
          this.#values.byteOffset + first * strideBytes,
          this.#values.byteOffset + end * strideBytes,
          strideBytes,
          v,
          v + 8 * strideOf(k),
          this.#factors.byteOffset + 8 * k,
        );
      }
      await pause();
    }
  }

  /** Turns the rows `row` and `row` + 1 into c·upper − s·lower and s·upper + c·lower, by and by. */
  rotate(row: number, sine: number, cosine: number): void {
    const entry = (this.#waitingCount * rotationBytes) / 8;
    this.#waiting[entry] = sine;
    this.#waiting[entry + 1] = cosine;
    this.#places[2 * entry + 4] = 8 * row * this.#stride;
    this.#waitingCount++;
    if (this.#waitingCount === waitingLimit) this.#applyRotations();
  }

  #applyRotations(): void {
    const list = this.#waiting.byteOffset;
    const end = list + this.#waitingCount * rotationBytes;
    for (let column = 0; column < this.#stride; column += blockColumns) {
      const width = Math.min(blockColumns, this.#stride - column);
      const base = this.#values.byteOffset + 8 * column;
      this.#workspace.rotate(list, end, base, 8 * this.#stride, 8 * width);
    }
    this.#waitingCount = 0;
  }

  /** The vectors in this order, without gaps. */
  rows(order: readonly number[]): Float64Array {
    this.#applyRotations();
    const size = this.#size;
    const rows = new Float64Array(size * size);
    order.forEach((from, to) => {
      const start = from * this.#stride;
      rows.set(this.#values.subarray(start, start + size), to * size);
    });
    return rows;
  }
}
