import { invariant, LabError } from '../core/errors';

const pageBytes = 65536;
/** Regions begin at a cache line. */
const alignment = 64;
/** Growing is a system call; by this much at a time it is rare. */
const growStepBytes = 8 * 1024 * 1024;

interface Region {
  readonly address: number;
  readonly sizeBytes: number;
}

/**
 * The memory all kernels work in, handed out first-fit. It grows up to a cap and never shrinks (no
 * WebAssembly memory does), but freed regions are joined and used again, so that a long stream of
 * slices needs no more than its largest moment.
 */
export class WasmMemory {
  readonly memory: WebAssembly.Memory;
  readonly isShared: boolean;
  readonly maximumPages: number;
  /** Sorted by address; neighbours are joined. */
  #free: Region[] = [];
  readonly #used = new Map<number, number>();
  #bytes: Uint8Array;

  private constructor(memory: WebAssembly.Memory, isShared: boolean, maximumPages: number) {
    this.memory = memory;
    this.isShared = isShared;
    this.maximumPages = maximumPages;
    this.#bytes = new Uint8Array(memory.buffer);
    // Address 0 is never handed out.
    this.#free.push({ address: alignment, sizeBytes: this.#bytes.length - alignment });
  }

  /**
   * Reserves address space for `maximumBytes`, or half of it and so on where the platform refuses.
   * @throws LabError `wasm/out-of-memory` when not even 64 MiB can be had
   */
  static create(maximumBytes: number, isShared: boolean): WasmMemory {
    for (let bytes = maximumBytes; bytes >= 64 * 1024 * 1024; bytes /= 2) {
      const maximum = Math.floor(bytes / pageBytes);
      try {
        const memory = new WebAssembly.Memory({ initial: 16, maximum, shared: isShared });
        return new WasmMemory(memory, isShared, maximum);
      } catch {
        continue;
      }
    }
    throw outOfMemory(0, 0, maximumBytes);
  }

  /** All of the memory; ask anew after every `allocate`, which may move it. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Bytes in use. */
  get usedBytes(): number {
    return [...this.#used.values()].reduce((total, size) => total + size, 0);
  }

  /**
   * The address of `sizeBytes` bytes whose contents are arbitrary.
   * @throws LabError `wasm/out-of-memory`; nothing is taken then
   */
  allocate(sizeBytes: number): number {
    const size = Math.max(alignment, Math.ceil(sizeBytes / alignment) * alignment);
    let index = this.#free.findIndex((region) => region.sizeBytes >= size);
    if (index < 0) {
      this.#grow(size);
      index = this.#free.length - 1;
    }
    const region = this.#free[index];
    invariant(region && region.sizeBytes >= size, 'a free region is large enough');
    const rest = { address: region.address + size, sizeBytes: region.sizeBytes - size };
    this.#free.splice(index, 1, ...(rest.sizeBytes > 0 ? [rest] : []));
    this.#used.set(region.address, size);
    return region.address;
  }

  /** Gives a region back; an address that is not in use is our own bug. */
  free(address: number): void {
    const sizeBytes = this.#used.get(address);
    invariant(sizeBytes !== undefined, 'only what was allocated is freed');
    this.#used.delete(address);
    this.#insert({ address, sizeBytes });
  }

  #insert(region: Region): void {
    let { address, sizeBytes } = region;
    const next = this.#free.findIndex((other) => other.address > address);
    const index = next < 0 ? this.#free.length : next;
    const before = this.#free[index - 1];
    const after = this.#free[index];
    const joinsBefore = before !== undefined && before.address + before.sizeBytes === address;
    const joinsAfter = after !== undefined && address + sizeBytes === after.address;
    if (joinsBefore) {
      address = before.address;
      sizeBytes += before.sizeBytes;
    }
    if (joinsAfter) sizeBytes += after.sizeBytes;
    const from = joinsBefore ? index - 1 : index;
    this.#free.splice(from, (joinsBefore ? 1 : 0) + (joinsAfter ? 1 : 0), { address, sizeBytes });
  }

  /** Makes the last free region at least `sizeBytes` long. */
  #grow(sizeBytes: number): void {
    const oldBytes = this.#bytes.length;
    const last = this.#free.at(-1);
    const reusable = last && last.address + last.sizeBytes === oldBytes ? last.sizeBytes : 0;
    const capBytes = this.maximumPages * pageBytes;
    const neededBytes = sizeBytes - reusable;
    const addedBytes = Math.min(
      Math.ceil(neededBytes / growStepBytes) * growStepBytes,
      capBytes - oldBytes,
    );
    if (addedBytes < neededBytes) throw outOfMemory(sizeBytes, this.usedBytes, capBytes);
    try {
      this.memory.grow(addedBytes / pageBytes);
    } catch (cause) {
      throw outOfMemory(sizeBytes, this.usedBytes, capBytes, cause);
    }
    this.#bytes = new Uint8Array(this.memory.buffer);
    this.#insert({ address: oldBytes, sizeBytes: addedBytes });
  }
}

/**
 * Regions for the time of one task.
 * @throws LabError `wasm/out-of-memory`
 */
export async function withRegions<T>(
  memory: WasmMemory,
  sizesBytes: readonly number[],
  use: (addresses: readonly number[]) => Promise<T>,
): Promise<T> {
  const addresses: number[] = [];
  try {
    for (const size of sizesBytes) addresses.push(memory.allocate(size));
    return await use(addresses);
  } finally {
    for (const address of addresses) memory.free(address);
  }
}

function outOfMemory(
  wantedBytes: number,
  usedBytes: number,
  capBytes: number,
  cause?: unknown,
): LabError {
  const mib = (bytes: number): string => `${String(Math.ceil(bytes / 2 ** 20))} MiB`;
  return new LabError(
    'wasm/out-of-memory',
    `The merge needs ${mib(wantedBytes)} more memory, ${mib(usedBytes)} of at most ` +
      `${mib(capBytes)} are in use. Merge fewer models at once, or close other tabs and try again.`,
    { details: { wantedBytes, usedBytes, capBytes }, cause },
  );
}
