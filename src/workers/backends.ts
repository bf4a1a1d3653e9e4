import type { LabError } from '../core/errors';
import type { MergeBackend } from '../expr/backend';
import { findAdapter } from '../gpu/adapter';
import { chooseBackend } from '../methods/choose-backend';
import { hasWasmSimd, hasWasmThreads } from '../wasm/support';
import { coreCount } from '../wasm/spawn-lane';
import type { BackendId, BackendOption, LabEnvironment } from './lab-types';

/** The back end in use, made when it is first needed and kept until another is chosen. */
export class Backends {
  #choice: BackendId | undefined;
  #current: Promise<MergeBackend> | undefined;
  #memoryBytes: number | undefined;

  /** @throws LabError `gpu/unavailable`, `engine/unsupported`; the next call tries again */
  async current(): Promise<MergeBackend> {
    const memoryBytes = this.#memoryBytes;
    this.#current ??= chooseBackend(this.#choice ?? 'auto', { memoryBytes }).then(
      ({ backend }) => backend,
    );
    return this.#current.catch((error: unknown) => {
      this.#current = undefined;
      throw error;
    });
  }

  /**
   * Ends the back end in use and takes another; `undefined` leaves the choice to the lab. If the
   * wanted one cannot be had, the lab chooses and the error says why.
   */
  async choose(id: BackendId | undefined): Promise<void> {
    this.drop();
    this.#choice = id;
    try {
      await this.current();
    } catch (error) {
      this.#choice = undefined;
      throw error;
    }
  }

  /**
   * Bounds the memory of back ends that are made from now on; the one in use goes when it differs.
   * @returns whether it went
   */
  bound(memoryBytes: number): boolean {
    if (memoryBytes === this.#memoryBytes) return false;
    this.#memoryBytes = memoryBytes;
    this.drop();
    return true;
  }

  /** Frees the back end; the next `current` makes a new one, also after a lost device. */
  drop(): void {
    const old = this.#current;
    this.#current = undefined;
    void old?.then(
      (backend) => {
        backend.dispose();
      },
      () => undefined,
    );
  }

  async environment(storageAvailable: boolean): Promise<LabEnvironment> {
    const found = await findAdapter();
    const webgpu = found === undefined ? 'none' : found.facts.isSoftware ? 'software' : 'hardware';
    return {
      backends: [webgpuOption(webgpu, found?.facts.name ?? ''), wasmOption(), oracleOption],
      chosen: (await this.current()).id,
      chosenBy: this.#choice === undefined ? 'lab' : 'person',
      webgpu,
      crossOriginIsolated: globalThis.crossOriginIsolated,
      hardwareThreads: coreCount(),
      storageAvailable,
    };
  }
}

/** Whether an error means that the back end in use is of no more use. */
export function isBackendLost(error: LabError): boolean {
  return error.code === 'gpu/lost';
}

const oracleOption: BackendOption = {
  id: 'oracle',
  available: true,
  description: 'Plain JavaScript on one thread: slow, and what the others are tested against.',
};

function webgpuOption(kind: LabEnvironment['webgpu'], name: string): BackendOption {
  const descriptions = {
    hardware: `The graphics device ${name}.`,
    software: `${name}, a software adapter: correct, but slower than WebAssembly.`,
    none: 'This browser offers no WebGPU adapter. Update it or its graphics driver, or go on with WebAssembly.',
  };
  return { id: 'webgpu', available: kind !== 'none', description: descriptions[kind] };
}

function wasmOption(): BackendOption {
  if (!hasWasmSimd()) {
    return {
      id: 'wasm',
      available: false,
      description: 'This browser has no WebAssembly SIMD. Update it to merge faster.',
    };
  }
  const description = hasWasmThreads()
    ? `WebAssembly SIMD on ${Math.min(coreCount(), 8)} threads.`
    : 'WebAssembly SIMD on one thread: this page is not cross-origin isolated.';
  return { id: 'wasm', available: true, description };
}
