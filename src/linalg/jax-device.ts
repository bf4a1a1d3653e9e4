import type * as Jax from '@jax-js/jax';
import { LabError } from '../core/errors';
import type { DenseMatrix } from './dense-matrix';

type JaxModule = typeof Jax;
type Tensor = Jax.Array;

/**
 * jax-js on one device: matrices go up, float32 arithmetic happens there, matrices come back. Arrays
 * of jax-js count their references: an operation uses up its operands, `.ref` keeps one for later.
 */
export class JaxDevice {
  readonly id: 'wasm' | 'webgpu';
  readonly jax: JaxModule;
  #failure: string | undefined;

  private constructor(id: 'wasm' | 'webgpu', jax: JaxModule) {
    this.id = id;
    this.jax = jax;
    if (id === 'webgpu') {
      const device = jax.getWebGPUDevice();
      device.addEventListener('uncapturederror', ({ error }) => {
        this.#failure ??= error.message;
      });
      void device.lost.then(({ message }) => {
        this.#failure ??= message;
      });
    }
  }

  /** Loads jax-js, 80 KiB, on first use. Undefined when the machine lacks the device. */
  static async open(id: 'wasm' | 'webgpu'): Promise<JaxDevice | undefined> {
    if (id === 'webgpu' && (globalThis as { navigator?: Navigator }).navigator?.gpu === undefined) {
      return undefined;
    }
    const jax = await import('@jax-js/jax');
    const devices = await jax.init(id);
    return devices.includes(id) ? new JaxDevice(id, jax) : undefined;
  }

  get isLost(): boolean {
    return this.#failure !== undefined;
  }

  /** In float32. @param flipped whether to send up the transpose */
  upload({ rowCount, columnCount, values }: DenseMatrix, flipped = false): Tensor {
    const sent = new Float32Array(values.length);
    if (!flipped) sent.set(values);
    for (let row = 0; flipped && row < rowCount; row++) {
      for (let column = 0; column < columnCount; column++) {
        sent[column * rowCount + row] = values[row * columnCount + column] ?? NaN;
      }
    }
    const shape = flipped ? [columnCount, rowCount] : [rowCount, columnCount];
    return this.jax.numpy.array(sent, { shape, device: this.id });
  }

  /**
   * The values of an array, which is used up. On WebAssembly this is also what runs the work that is
   * waiting, on the calling thread: the asynchronous way would start threads from a `blob:` address,
   * which the page's content security policy forbids, and then answer with zeros.
   * @throws LabError `gpu/lost` when the device failed since it was opened
   */
  async read(tensor: Tensor): Promise<Float32Array> {
    const read: unknown = this.id === 'wasm' ? tensor.dataSync() : await tensor.data();
    if (this.#failure !== undefined) {
      throw new LabError(
        'gpu/lost',
        `The graphics device failed during a matrix computation (${this.#failure}). Merge again; WebAssembly is used from now on.`,
      );
    }
    return read as Float32Array;
  }

  /** Runs what is waiting; the array stays in use. */
  async settle(tensor: Tensor): Promise<void> {
    if (this.id === 'wasm') tensor.ref.dataSync();
    else await tensor.blockUntilReady();
  }
}
