import type { DenseMatrix } from './dense-matrix';
import { zeros } from './dense-matrix';
import { gramTriples } from './gram-triples';
import { descendOnDevice } from './jax-descent';
import type { JaxDevice } from './jax-device';
import type { Descent, LinearAlgebra, SingularTriples, Transposing } from './linear-algebra';
import { newtonSchulzPolar } from './newton-schulz';

/**
 * From how many rows (columns, if fewer) on a polar factor is iterated on the device, in float32.
 * Below, eigenvectors in float64 cost a second or two and do not lose accuracy to the condition of
 * the matrix. On a busy server core of 2026 they took 0.5 s for 576 × 1536, the iteration on
 * WebAssembly 1.8 s, ml-matrix's SVD 16 s.
 */
const iterateFrom = { wasm: 1024, webgpu: 192 } as const;

/** Products, Newton-Schulz and Adam on jax-js in float32; eigenvectors in float64 on the host. */
export class JaxAlgebra implements LinearAlgebra {
  readonly id: 'wasm' | 'webgpu';
  readonly #device: JaxDevice;

  constructor(device: JaxDevice) {
    this.id = device.id;
    this.#device = device;
  }

  /** Whether the device failed; every later operation would reject. */
  get isLost(): boolean {
    return this.#device.isLost;
  }

  async multiply(
    a: DenseMatrix,
    b: DenseMatrix,
    transposing: Transposing = 'none',
  ): Promise<DenseMatrix> {
    const rowCount = transposing === 'left' ? a.columnCount : a.rowCount;
    const columnCount = transposing === 'right' ? b.rowCount : b.columnCount;
    if (a.values.length === 0 || b.values.length === 0) return zeros(rowCount, columnCount);
    const { numpy: np } = this.#device.jax;
    const left = this.#device.upload(a, transposing === 'left');
    const right = this.#device.upload(b, transposing === 'right');
    return { rowCount, columnCount, values: await this.#device.read(np.matmul(left, right)) };
  }

  leadingTriples(a: DenseMatrix, count: number, signal?: AbortSignal): Promise<SingularTriples> {
    return gramTriples(a, count, signal);
  }

  async polarFactor(a: DenseMatrix, signal?: AbortSignal): Promise<DenseMatrix> {
    const isLarge = Math.min(a.rowCount, a.columnCount) >= iterateFrom[this.id];
    const iterated = isLarge ? await newtonSchulzPolar(this.#device, a, signal) : undefined;
    if (iterated !== undefined) return iterated;
    const { left, right } = await gramTriples(a, Infinity, signal);
    return this.multiply(left, right, 'left');
  }

  async descend(descent: Descent, signal?: AbortSignal): Promise<DenseMatrix> {
    if (descent.gradient.values.length === 0) return descent.gradient;
    return descendOnDevice(this.#device, descent, signal);
  }
}
