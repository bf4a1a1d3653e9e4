import type { GpuDevice } from './device';

/** Freed bytes kept for reuse; beyond it buffers are destroyed. */
const keptBytesCap = 256 * 1024 * 1024;
const smallestBytes = 256;

/** The only place that creates buffers: sizes padded, freed ones used again, all of them counted. */
export class BufferPool {
  readonly #gpu: GpuDevice;
  readonly #idle = new Map<string, GPUBuffer[]>();
  readonly #live = new Set<GPUBuffer>();
  #idleBytes = 0;

  constructor(gpu: GpuDevice) {
    this.#gpu = gpu;
  }

  /** Bytes handed out. */
  get usedBytes(): number {
    return [...this.#live].reduce((total, { size }) => total + size, 0);
  }

  /** A buffer of at least `sizeBytes`, with arbitrary contents. Call within `GpuDevice.guard`. */
  take(sizeBytes: number, usage: GPUBufferUsageFlags, label: string): GPUBuffer {
    const size = paddedBytes(sizeBytes);
    const idle = this.#idle.get(keyOf(size, usage))?.pop();
    if (idle !== undefined) this.#idleBytes -= idle.size;
    const buffer = idle ?? this.#gpu.device.createBuffer({ size, usage, label });
    this.#live.add(buffer);
    return buffer;
  }

  /** Takes a buffer back; it must not be mapped. */
  give(buffer: GPUBuffer): void {
    if (!this.#live.delete(buffer)) return;
    if (this.#idleBytes + buffer.size > keptBytesCap) {
      buffer.destroy();
      return;
    }
    const key = keyOf(buffer.size, buffer.usage);
    this.#idle.set(key, [...(this.#idle.get(key) ?? []), buffer]);
    this.#idleBytes += buffer.size;
  }

  /** Destroys a buffer whose state is not known, such as after a failed read-back. */
  discard(buffer: GPUBuffer): void {
    this.#live.delete(buffer);
    buffer.destroy();
  }

  dispose(): void {
    for (const buffer of [...this.#live, ...[...this.#idle.values()].flat()]) buffer.destroy();
    this.#live.clear();
    this.#idle.clear();
    this.#idleBytes = 0;
  }
}

/** To an eighth of the next power of two, so that similar tensors share buffers. */
function paddedBytes(sizeBytes: number): number {
  if (sizeBytes <= smallestBytes) return smallestBytes;
  const step = Math.max(smallestBytes, 2 ** (Math.floor(Math.log2(sizeBytes)) - 2));
  return Math.ceil(sizeBytes / step) * step;
}

function keyOf(size: number, usage: GPUBufferUsageFlags): string {
  return `${size} ${usage}`;
}
