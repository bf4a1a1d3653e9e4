import { LabError } from '../core/errors';

/** What the person and the chooser need to know of an adapter. */
export interface AdapterFacts {
  /** "nvidia ampere", "Google SwiftShader", as far as the browser tells. */
  readonly name: string;
  /** A rasteriser on the CPU, slower than WebAssembly at everything we do. */
  readonly isSoftware: boolean;
}

export interface FoundAdapter {
  readonly adapter: GPUAdapter;
  readonly facts: AdapterFacts;
}

/** Adapters that do not always admit to being fallbacks. */
const softwareNames = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|warp/i;

/**
 * Node's entry points of Dawn. They must stay referenced: once collected, every object they made
 * crashes the process.
 */
const nodeEntryPoints: GPU[] = [];

/**
 * The adapter of this machine, or undefined when there is none: no WebGPU, a blocked driver, or Node
 * without the `webgpu` package. Never throws.
 */
export async function findAdapter(): Promise<FoundAdapter | undefined> {
  try {
    const gpu = await entryPoint();
    const adapter = await gpu?.requestAdapter({ powerPreference: 'high-performance' });
    if (!adapter) return undefined;
    return { adapter, facts: factsOf(adapter) };
  } catch {
    return undefined;
  }
}

async function entryPoint(): Promise<GPU | undefined> {
  const host = globalThis as { navigator?: { gpu?: GPU }; process?: { versions?: object } };
  if (host.navigator?.gpu !== undefined) return host.navigator.gpu;
  if (host.process?.versions === undefined || !('node' in host.process.versions)) return undefined;
  if (nodeEntryPoints[0] === undefined) {
    // The name is hidden from bundlers: no page needs 130 MB of Dawn.
    const packageName = 'webgpu';
    const dawn = (await import(/* @vite-ignore */ packageName)) as {
      create: (flags: readonly string[]) => GPU;
      globals: object;
    };
    Object.assign(globalThis, dawn.globals);
    nodeEntryPoints.push(dawn.create([]));
  }
  return nodeEntryPoints[0];
}

/** Lets Node end: a live entry point keeps the process running. Adapters and devices are gone then. */
export function releaseEntryPoints(): void {
  nodeEntryPoints.length = 0;
}

function factsOf(adapter: GPUAdapter): AdapterFacts {
  const { info } = adapter;
  const parts = [info.vendor, info.architecture, info.description, info.device];
  const name = [...new Set(parts.filter((part) => part !== ''))].join(' ');
  const isFallback =
    info.isFallbackAdapter || (adapter as { isFallbackAdapter?: boolean }).isFallbackAdapter;
  return {
    name: name === '' ? 'unnamed adapter' : name,
    isSoftware: isFallback === true || softwareNames.test(name),
  };
}

/** The sentence for a machine without WebGPU. */
export function gpuUnavailable(cause?: unknown): LabError {
  return new LabError(
    'gpu/unavailable',
    'WebGPU is not available here. Choose the WebAssembly back end, which gives the same numbers.',
    { cause },
  );
}
