import type { GpuDevice } from './device';

/** Pipelines by the text of their shader; the binding layout is the same for all kernels. */
export class PipelineCache {
  readonly layout: GPUBindGroupLayout;
  readonly #gpu: GpuDevice;
  readonly #pipelineLayout: GPUPipelineLayout;
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();

  constructor(gpu: GpuDevice) {
    this.#gpu = gpu;
    const { device } = gpu;
    const input: GPUBufferBindingType = 'read-only-storage';
    // Weights, parameters, result, columns.
    const types = [input, input, 'storage', input] as const;
    this.layout = device.createBindGroupLayout({
      label: 'kernel',
      entries: types.map((type, binding) => ({
        binding,
        visibility: computeStage,
        buffer: { type },
      })),
    });
    this.#pipelineLayout = device.createPipelineLayout({ bindGroupLayouts: [this.layout] });
  }

  /** @throws Error with the compiler's messages, which only a bug of ours can cause */
  get(wgsl: string, label: string): Promise<GPUComputePipeline> {
    const known = this.#pipelines.get(wgsl);
    if (known !== undefined) return known;
    const pipeline = this.#compile(wgsl, label);
    this.#pipelines.set(wgsl, pipeline);
    // A failed compilation may be due to a lost device: the next call tries again.
    pipeline.catch(() => this.#pipelines.delete(wgsl));
    return pipeline;
  }

  async #compile(wgsl: string, label: string): Promise<GPUComputePipeline> {
    const { device } = this.#gpu;
    const module = device.createShaderModule({ label, code: wgsl });
    const { messages } = await module.getCompilationInfo();
    const errors = messages.filter(({ type }) => type === 'error');
    if (errors.length > 0) {
      const lines = errors.map(({ lineNum, message }) => `line ${lineNum}: ${message}`);
      throw new Error(`MergeLab bug: the shader ${label} does not compile: ${lines.join('; ')}`);
    }
    return device.createComputePipelineAsync({
      label,
      layout: this.#pipelineLayout,
      compute: { module, entryPoint: 'main' },
    });
  }
}

/** GPUShaderStage.COMPUTE; Node has the constants only after Dawn was loaded. */
const computeStage = 4;
