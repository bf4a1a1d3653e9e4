import type { InferenceSession } from 'onnxruntime-web';
import { LabError } from '../core/errors';

type ProviderConfig = InferenceSession.ExecutionProviderConfig;

/**
 * The runtime's attention kernel for 32 and more new tokens keeps one key a lane and takes at least
 * 8 lanes for granted: on SwiftShader, whose subgroups have 4, every token from the fifth on was
 * wrong, with no error (onnxruntime-web 1.30, Chromium 156).
 */
const smallestSubgroup = 8;

let option: Promise<ProviderConfig> | undefined;

/**
 * How to ask the runtime for WebGPU. Usually it makes its own device; on an adapter with narrower
 * subgroups than its kernels need it is given one without subgroups, for which it has kernels that
 * use shared memory only.
 *
 * @throws LabError `gpu/unavailable`
 */
export async function webgpuOption(): Promise<ProviderConfig> {
  option ??= findOption();
  return option.catch((error: unknown) => {
    option = undefined;
    throw error;
  });
}

async function findOption(): Promise<ProviderConfig> {
  const adapter =
    'navigator' in globalThis && 'gpu' in navigator
      ? await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' })
      : null;
  if (adapter === null) {
    throw new LabError(
      'gpu/unavailable',
      'This browser offers no WebGPU adapter; choose the wasm provider.',
    );
  }
  if ((adapter.info.subgroupMinSize ?? smallestSubgroup) >= smallestSubgroup) return 'webgpu';
  const { limits } = adapter;
  const device = await adapter.requestDevice({
    label: 'onnxruntime without subgroups',
    requiredFeatures: adapter.features.has('shader-f16') ? ['shader-f16'] : [],
    // What onnxruntime asks for when it makes a device itself.
    requiredLimits: {
      maxBufferSize: limits.maxBufferSize,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
      maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
      maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
      maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
      maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
      maxComputeWorkgroupSizeY: limits.maxComputeWorkgroupSizeY,
      maxComputeWorkgroupSizeZ: limits.maxComputeWorkgroupSizeZ,
    },
  });
  return { name: 'webgpu', device };
}
