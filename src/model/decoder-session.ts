import type { InferenceSession, Tensor } from 'onnxruntime-web';
import { invariant, LabError, sentenceOf } from '../core/errors';
import type { LongTask } from '../core/progress';
import type { DecoderConfig } from './decoder-config';
import type { ProductType } from './graph-weights';
import type { ModelProvider, OrtRuntime } from './ort-runtime';
import type { TokenBatch } from './token-batch';
import { mountWeights, type WeightFile } from './weight-files';
import { webgpuOption } from './webgpu-option';

/** Keys and values of the tokens seen so far, by name such as `0.key`; each batch row its own. */
export interface KeyValueCache {
  readonly batchSize: number;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

export interface DecoderOutput {
  /** Row-major `[rows asked for, vocabulary]`. */
  readonly logits: Float32Array;
  readonly cache: KeyValueCache;
}

export interface DecoderSessionSource {
  readonly config: DecoderConfig;
  /** The longest sequence: rows of the graph's rotary tables. */
  readonly positionCount: number;
  /** The `.onnx` file, built with `logits: 'rows'`. */
  readonly onnx: Uint8Array;
  readonly cacheType: ProductType;
  /** Data files by the names the graph uses; copied by the runtime, so reusable afterwards. */
  readonly data: readonly WeightFile[];
}

/** One loaded graph with its weights. */
export class DecoderSession {
  readonly config: DecoderConfig;
  /** The longest sequence a row may reach. */
  readonly positionCount: number;
  readonly provider: ModelProvider;
  readonly #runtime: OrtRuntime;
  readonly #session: InferenceSession;
  readonly #cacheNames: readonly string[];
  readonly #cacheType: ProductType;
  #userCount = 0;
  #isRetired = false;

  private constructor(
    source: DecoderSessionSource,
    provider: ModelProvider,
    runtime: OrtRuntime,
    session: InferenceSession,
  ) {
    this.config = source.config;
    this.positionCount = source.positionCount;
    this.provider = provider;
    this.#runtime = runtime;
    this.#session = session;
    this.#cacheNames = cacheNames(source.config.layerCount);
    this.#cacheType = source.cacheType;
  }

  /**
   * Makes a session. On the wasm provider graph optimisation is off: the graph is written fused, and
   * optimising costs 10-25 ms a session and gains nothing measurable.
   *
   * @throws LabError `model/run-failed` when the runtime refuses the graph or memory runs out,
   *   `model/unsupported` for capped scores on WebGPU; what stored data files throw, the signal's
   *   reason among it
   */
  static async create(
    source: DecoderSessionSource,
    provider: ModelProvider,
    runtime: OrtRuntime,
    { signal }: Pick<LongTask, 'signal'> = {},
  ): Promise<DecoderSession> {
    if (provider === 'webgpu' && source.config.traits.attentionCap !== undefined) {
      // Its fused attention leaves the cap out without a word (onnxruntime-web 1.30).
      throw new LabError(
        'model/unsupported',
        'This model caps its attention scores, which WebGPU leaves out here; run it on wasm.',
        { details: { provider } },
      );
    }
    const mounted = await mountWeights(source.data, runtime, signal);
    const options: InferenceSession.SessionOptions = {
      executionProviders: [provider === 'webgpu' ? await webgpuOption() : provider],
      externalData: [...mounted.externalData],
      // Errors only: that shape arithmetic sits on the CPU in a WebGPU session is intended.
      logSeverityLevel: 3,
      graphOptimizationLevel: provider === 'wasm' ? 'disabled' : 'all',
    };
    if (provider === 'webgpu') {
      options.preferredOutputLocation = Object.fromEntries(
        cacheNames(source.config.layerCount).map((name) => [`present.${name}`, 'gpu-buffer']),
      );
    }
    try {
      const session = await runtime.turns.take(async () =>
        runtime.ort.InferenceSession.create(source.onnx, options),
      );
      return new DecoderSession(source, provider, runtime, session);
    } catch (cause) {
      mounted.throwIfFailed();
      throw new LabError(
        'model/run-failed',
        `The model could not be loaded on ${provider}: ${sentenceOf(cause)}. If memory is short, close other tabs or write the model in 4 bits (q4); if not, try the wasm provider.`,
        { details: { provider }, cause },
      );
    }
  }

  /** A cache that holds nothing yet. */
  emptyCache(batchSize: number): KeyValueCache {
    const { keyValueHeadCount, headSize } = this.config;
    const dims = [batchSize, keyValueHeadCount, 0, headSize];
    const tensors = this.#cacheNames.map((name) => [name, this.#cacheTensor([], dims)] as const);
    return { batchSize, tensors: new Map(tensors) };
  }

  /**
   * Feeds the tokens of a batch after those in `cache`. A cache on the GPU is freed by this.
   * @throws LabError `model/run-failed`
   */
  async run(batch: TokenBatch, cache: KeyValueCache): Promise<DecoderOutput> {
    invariant(batch.batchSize === cache.batchSize, 'batch and cache have the same rows');
    if (batch.totalLength > this.positionCount) {
      throw new LabError(
        'model/run-failed',
        `The text has ${String(batch.totalLength)} tokens, but this model reads at most ${String(this.positionCount)}; shorten it.`,
        { details: { tokenCount: batch.totalLength, limit: this.positionCount } },
      );
    }
    const { Tensor } = this.#runtime.ort;
    const feeds: Record<string, Tensor> = {
      input_ids: new Tensor('int64', batch.ids, [batch.batchSize, batch.length]),
      attention_mask: new Tensor('int64', batch.mask, [batch.batchSize, batch.totalLength]),
      logit_rows: new Tensor('int64', batch.logitRows, [batch.logitRows.length]),
    };
    for (const [name, tensor] of cache.tensors) feeds[`past_key_values.${name}`] = tensor;
    try {
      const outputs = await this.#runtime.turns.take(async () => this.#session.run(feeds));
      disposeCache(cache);
      const logits = outputs['logits']?.data;
      invariant(logits instanceof Float32Array, 'logits are float32');
      const tensors = new Map<string, Tensor>();
      for (const name of this.#cacheNames) {
        const tensor = outputs[`present.${name}`];
        if (tensor !== undefined) tensors.set(name, tensor);
      }
      return { logits, cache: { batchSize: batch.batchSize, tensors } };
    } catch (cause) {
      throw new LabError(
        'model/run-failed',
        `The model stopped while running on ${this.provider}: ${sentenceOf(cause)}. Try again, or choose the wasm provider.`,
        { details: { provider: this.provider, rows: batch.batchSize }, cause },
      );
    }
  }

  /** Keeps some rows of a cache, in the given order. Only for caches in memory, not on the GPU. */
  keepRows(cache: KeyValueCache, rows: readonly number[]): KeyValueCache {
    const tensors = new Map<string, Tensor>();
    for (const [name, tensor] of cache.tensors) {
      const values = tensor.data;
      invariant(ArrayBuffer.isView(values), 'the cache is in memory');
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      const rowBytes = bytes.byteLength / cache.batchSize;
      const kept = rows.map((row) => bytes.subarray(row * rowBytes, (row + 1) * rowBytes));
      tensors.set(name, this.#cacheTensor(kept, [rows.length, ...tensor.dims.slice(1)]));
    }
    return { batchSize: rows.length, tensors };
  }

  #cacheTensor(parts: readonly Uint8Array[], dims: readonly number[]): Tensor {
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
    let offsetBytes = 0;
    for (const part of parts) {
      bytes.set(part, offsetBytes);
      offsetBytes += part.byteLength;
    }
    const { Tensor } = this.#runtime.ort;
    return this.#cacheType === 'float32'
      ? new Tensor('float32', new Float32Array(bytes.buffer), dims)
      : new Tensor('float16', new Uint16Array(bytes.buffer), dims);
  }

  /** Runs `job` while the session is certain to stay; a release in the meantime waits for it. */
  async use<T>(job: () => Promise<T>): Promise<T> {
    this.#userCount++;
    try {
      return await job();
    } finally {
      this.#userCount--;
      if (this.#isRetired && this.#userCount === 0) await this.#release();
    }
  }

  /** Frees the session as soon as nobody uses it. Wasm memory is reused, never given back. */
  async retire(): Promise<void> {
    if (this.#isRetired) return;
    this.#isRetired = true;
    if (this.#userCount === 0) await this.#release();
  }

  async #release(): Promise<void> {
    await this.#runtime.turns.take(async () => this.#session.release());
  }
}

/** Frees what a cache holds on the GPU. */
export function disposeCache(cache: KeyValueCache): void {
  for (const tensor of cache.tensors.values()) {
    if (tensor.location === 'gpu-buffer') tensor.dispose();
  }
}

function cacheNames(layerCount: number): string[] {
  return Array.from({ length: layerCount }, (_, layer) => [
    `${String(layer)}.key`,
    `${String(layer)}.value`,
  ]).flat();
}
