import { outOfGpuMemory, type GpuDevice } from './device';

/** Freed bytes kept for reuse; beyond it buffers are destroyed. */
const keptBytesCap = 256 * 1024 * 1024;
const smallestBytes = 256;

/**
 * The only place that creates buffers: sizes padded, freed ones used again, all of them counted. In
 * use and idle together they stay below a cap; idle ones make room.
 */
export class BufferPool {
  readonly #gpu: GpuDevice;
  readonly #idle = new Map<string, GPUBuffer[]>();
  readonly #live = new Set<GPUBuffer>();
  readonly #capBytes: number;
  #idleBytes = 0;
  #usedBytes = 0;
  #peakBytes = 0;

  /** @param capBytes Infinity for none */
  constructor(gpu: GpuDevice, capBytes: number) {
    this.#gpu = gpu;
    this.#capBytes = capBytes;
  }

  /** Bytes handed out. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** The most bytes that there ever were, handed out and idle. */
  get peakBytes(): number {
    return this.#peakBytes;
  }

  /**
   * A buffer of at least `sizeBytes`, with arbitrary contents. Call within `GpuDevice.guard`.
   * @throws LabError `gpu/out-of-memory` above the cap; nothing is taken then
   */
  take(sizeBytes: number, usage: GPUBufferUsageFlags, label: string): GPUBuffer {
    const size = paddedBytes(sizeBytes);
    const idle = this.#idle.get(keyOf(size, usage))?.pop();
    if (idle !== undefined) this.#idleBytes -= idle.size;
    const buffer = idle ?? this.#create(size, usage, label);
    this.#live.add(buffer);
    this.#usedBytes += size;
    this.#peakBytes = Math.max(this.#peakBytes, this.#usedBytes + this.#idleBytes);
    return buffer;
  }

  #create(size: number, usage: GPUBufferUsageFlags, label: string): GPUBuffer {
    this.#dropIdle(this.#capBytes - this.#usedBytes - size);
    if (this.#usedBytes + size > this.#capBytes) {
      throw outOfGpuMemory(this.#gpu.facts.name, size, {
        usedBytes: this.#usedBytes,
        capBytes: this.#capBytes,
      });
    }
    return this.#gpu.device.createBuffer({ size, usage, label });
  }

  /** Destroys idle buffers until no more than `goalBytes` are idle. */
  #dropIdle(goalBytes: number): void {
    for (const buffers of this.#idle.values()) {
      while (this.#idleBytes > goalBytes) {
        const buffer = buffers.pop();
        if (buffer === undefined) break;
        this.#idleBytes -= buffer.size;
        buffer.destroy();
      }
    }
  }

  /** Takes a buffer back; it must not be mapped. */
  give(buffer: GPUBuffer): void {
    if (!this.#live.delete(buffer)) return;
    this.#usedBytes -= buffer.size;
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
    if (this.#live.delete(buffer)) this.#usedBytes -= buffer.size;
    buffer.destroy();
  }

  dispose(): void {
    for (const buffer of [...this.#live, ...[...this.#idle.values()].flat()]) buffer.destroy();
    this.#live.clear();
    this.#idle.clear();
    this.#idleBytes = 0;
    this.#usedBytes = 0;
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
