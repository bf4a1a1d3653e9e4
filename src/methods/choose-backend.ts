import { LabError } from '../core/errors';
import type { BackendId, MergeBackend } from '../expr/backend';
import { OracleBackend } from '../expr/oracle-backend';
import { findAdapter, gpuUnavailable } from '../gpu/adapter';
import { GpuBackend } from '../gpu/gpu-backend';
import { hasWasmSimd } from '../wasm/support';
import { WasmBackend } from '../wasm/wasm-backend';

/** What a person may ask for; `auto` takes the fastest that the machine has. */
export type BackendPreference = BackendId | 'auto';

/** A back end and, in one sentence, why it was chosen. */
export interface ChosenBackend {
  readonly backend: MergeBackend;
  readonly reason: string;
}

export interface ChooseOptions {
  /** Threads of the WebAssembly back end; default all cores, at most 8. */
  readonly threadCount?: number | undefined;
  /** Bound of the back end's own memory, on a device or in WebAssembly; plain JavaScript has none. */
  readonly memoryBytes?: number | undefined;
}

/**
 * Hardware WebGPU, else WebAssembly SIMD with as many threads as may be used, else plain
 * JavaScript. A software WebGPU adapter is slower than WebAssembly and is used only on request.
 * @throws LabError `gpu/unavailable` or `engine/unsupported` when what was asked for is not there
 */
export async function chooseBackend(
  preference: BackendPreference = 'auto',
  options: ChooseOptions = {},
): Promise<ChosenBackend> {
  switch (preference) {
    case 'oracle':
      return { backend: new OracleBackend(), reason: 'Plain JavaScript was asked for.' };
    case 'wasm':
      return { backend: new WasmBackend(options), reason: 'WebAssembly was asked for.' };
    case 'webgpu': {
      const found = await findAdapter();
      if (found === undefined) throw gpuUnavailable();
      const backend = await GpuBackend.create(found, options);
      return { backend, reason: 'WebGPU was asked for.' };
    }
    case 'auto':
      return chooseFastest(options);
  }
}

async function chooseFastest(options: ChooseOptions): Promise<ChosenBackend> {
  const found = await findAdapter();
  let why = 'There is no WebGPU adapter';
  if (found?.facts.isSoftware === true) why = 'The WebGPU adapter is a software one';
  if (found?.facts.isSoftware === false) {
    try {
      const backend = await GpuBackend.create(found, options);
      return { backend, reason: 'The machine has a WebGPU adapter.' };
    } catch {
      why = 'The WebGPU adapter gave no device';
    }
  }
  if (!hasWasmSimd()) {
    return { backend: new OracleBackend(), reason: `${why}, nor is there WebAssembly SIMD.` };
  }
  try {
    return { backend: new WasmBackend(options), reason: `${why}, so WebAssembly is fastest.` };
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    return { backend: new OracleBackend(), reason: `${why}, and WebAssembly got no memory.` };
  }
}
