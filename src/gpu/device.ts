import { LabError } from '../core/errors';
import type { AdapterFacts, FoundAdapter } from './adapter';
import { gpuUnavailable } from './adapter';

/** A WebGPU device whose loss every later call reports. */
export class GpuDevice {
  readonly device: GPUDevice;
  readonly facts: AdapterFacts;
  #loss: LabError | undefined;
  #isDisposed = false;

  private constructor(device: GPUDevice, facts: AdapterFacts) {
    this.device = device;
    this.facts = facts;
    void device.lost.then((info) => {
      if (!this.#isDisposed) this.#loss = lossOf(info, facts);
    });
  }

  /** @throws LabError `gpu/unavailable` when the adapter gives no device */
  static async request({ adapter, facts }: FoundAdapter): Promise<GpuDevice> {
    const { limits } = adapter;
    try {
      const device = await adapter.requestDevice({
        label: 'merge',
        requiredLimits: {
          // A slice of six models in one binding; the guaranteed 128 MiB also work.
          maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
          maxBufferSize: limits.maxBufferSize,
        },
      });
      return new GpuDevice(device, facts);
    } catch (cause) {
      throw gpuUnavailable(cause);
    }
  }

  /** The most bytes one storage binding can have. */
  get maxBindingBytes(): number {
    const { maxStorageBufferBindingSize, maxBufferSize } = this.device.limits;
    return Math.min(maxStorageBufferBindingSize, maxBufferSize);
  }

  /** @throws LabError `gpu/lost` */
  throwIfLost(): void {
    if (this.#loss !== undefined) throw this.#loss;
  }

  /**
   * Runs synchronous calls on the device and names what went wrong. The error scopes are closed
   * before anything else can run, so overlapping work never sees each other's errors.
   * @throws LabError `gpu/lost`, `gpu/out-of-memory`; Error for a validation failure, which only a
   * bug of ours can cause
   */
  async guard<T>(wantedBytes: number, work: () => T): Promise<T> {
    this.throwIfLost();
    this.device.pushErrorScope('validation');
    this.device.pushErrorScope('out-of-memory');
    let errors: Promise<[GPUError | null, GPUError | null]>;
    let result: T;
    try {
      result = work();
    } finally {
      const none = (): null => null;
      const memory = this.device.popErrorScope().catch(none);
      const validation = this.device.popErrorScope().catch(none);
      errors = Promise.all([memory, validation]);
    }
    this.#throwFirst(await errors, wantedBytes);
    this.throwIfLost();
    return result;
  }

  /** Waits for the device; a rejection after its loss becomes `gpu/lost`. */
  async orLost<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (cause) {
      // Loss rejects a pending read-back a little before `lost` is settled.
      await Promise.race([this.device.lost, new Promise((resolve) => setTimeout(resolve, 50))]);
      this.throwIfLost();
      throw cause;
    }
  }

  dispose(): void {
    this.#isDisposed = true;
    this.device.destroy();
  }

  #throwFirst(
    [memory, validation]: readonly [GPUError | null, GPUError | null],
    wantedBytes: number,
  ): void {
    if (memory !== null) {
      throw outOfGpuMemory(this.facts.name, wantedBytes, undefined, memory);
    }
    if (validation !== null) throw new Error(`MergeLab bug: ${validation.message}`);
  }
}

/** @param bound what is in use of how much, where it is not the device that has no more */
export function outOfGpuMemory(
  device: string,
  wantedBytes: number,
  bound?: { readonly usedBytes: number; readonly capBytes: number },
  cause?: unknown,
): LabError {
  const mib = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`;
  const sentence =
    bound === undefined
      ? `The graphics device ${device} has no ${mib(wantedBytes)} left. Close other tabs, or choose the WebAssembly back end.`
      : `The merge needs ${mib(wantedBytes)} more on the graphics device ${device}, ${mib(bound.usedBytes)} of at most ${mib(bound.capBytes)} are in use. Raise the bound of memory, or merge fewer models at once.`;
  return new LabError('gpu/out-of-memory', sentence, {
    details: { device, wantedBytes, ...bound },
    cause,
  });
}

function lossOf(info: GPUDeviceLostInfo, facts: AdapterFacts): LabError {
  const detail = info.message === '' ? '' : ` (${info.message})`;
  return new LabError(
    'gpu/lost',
    `The graphics device ${facts.name} was lost${detail}. Start the merge again; if it happens ` +
      'again, choose the WebAssembly back end.',
    { details: { device: facts.name, reason: info.reason } },
  );
}
