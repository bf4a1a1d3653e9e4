import { ProgressMeter, type LongTask } from '../core/progress';
import type { CheckpointReader } from '../formats/checkpoint-reader';
import { encodeOnnxModel } from '../formats/onnx-writer';
import { generateGreedy, type TokenReply } from './batch-generator';
import { ChatTokenizer } from './chat-tokenizer';
import { parseDecoderConfig, type DecoderConfig } from './decoder-config';
import { DecoderSession } from './decoder-session';
import { allocateData, fillWeights } from './fill-weights';
import { eosTokenIdsOf } from './generation-config';
import type { ProductType } from './graph-weights';
import { buildDecoderGraph } from './decoder-graph';
import type { ReadExport } from './load-export';
import type { ModelTexts } from './model-texts';
import type { ModelProvider, OrtRuntime } from './ort-runtime';
import { checkFits } from './session-memory';
import {
  scoreContinuations,
  sequenceLogits,
  type ContinuationScore,
  type TokenContinuation,
} from './score-tokens';
import { streamCompletion, type Completion } from './stream-completion';

import { loadTransformers, type TransformersModule } from './transformers-runtime';
import { countedFile, type WeightFile } from './weight-files';
import type { WeightEncoding, WeightPlan } from './weight-plan';

export interface LoadModelOptions extends LongTask {
  readonly runtime: OrtRuntime;
  /** `config.json`, `tokenizer.json` and the other small files, by name. */
  readonly files: ModelTexts;
  readonly reader: CheckpointReader;
  readonly dtype: WeightEncoding;
  readonly provider: ModelProvider;
}

/** What stays when other weights are put in place. */
interface ModelSetting extends Omit<LoadModelOptions, 'reader' | keyof LongTask> {
  /** Names the weights in sentences. */
  readonly label: string;
}

/** How a model was loaded, for the page. */
export interface ModelFacts {
  readonly dtype: WeightEncoding;
  readonly provider: ModelProvider;
  readonly threadCount: number;
  /** Bytes of weights given to the runtime. */
  readonly weightBytes: number;
  /** Reading and converting weights. */
  readonly convertMs: number;
  /** Making the session. */
  readonly sessionMs: number;
}

/** One greedy reply. */
export interface TextReply {
  readonly text: string;
  readonly tokenCount: number;
  readonly stoppedBy: 'end' | 'length';
}

export interface BatchOptions extends LongTask {
  readonly maxNewTokens: number;
}

export interface StreamOptions {
  readonly maxNewTokens: number;
  /** 0, the default, is greedy. */
  readonly temperature?: number;
  /** 1 by default: every token may be drawn. */
  readonly topP?: number;
  readonly seed?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onText?: ((piece: string) => void) | undefined;
}

/** Longer contexts than this need more memory for scores and tables than a tab should take. */
const maxPositionCount = 4096;
/** Data buffers up to this size are kept, so that the next weights need no new memory. */
const keptDataBytes = 64 * 1024 * 1024;
const dataFileName = 'weights.bin';

/** A checkpoint ready to write text and to be scored. */
export class LoadedModel {
  readonly #options: ModelSetting;
  readonly #config: DecoderConfig;
  readonly #positionCount: number;
  readonly #onnx: Uint8Array;
  readonly #plan: WeightPlan;
  readonly #cacheType: ProductType;
  readonly #eosTokenIds: readonly number[];
  readonly #transformers: TransformersModule;
  readonly #tokenizer: ChatTokenizer;
  #label: string;
  #data: Uint8Array<ArrayBuffer>[] | undefined;
  #session: DecoderSession | undefined;
  #facts: ModelFacts | undefined;

  private constructor(options: ModelSetting, transformers: TransformersModule) {
    const { files, label, dtype } = options;
    this.#label = label;
    this.#options = options;
    this.#transformers = transformers;
    this.#config = parseDecoderConfig(files.get('config.json') ?? '', label);
    this.#eosTokenIds = eosTokenIdsOf(files, this.#config, label);
    this.#tokenizer = new ChatTokenizer(transformers, files, label);
    this.#positionCount = Math.min(this.#config.maxPositions, maxPositionCount);
    const graph = buildDecoderGraph(this.#config, {
      dtype,
      dataFileName,
      positionCount: this.#positionCount,
      logits: 'rows',
    });
    this.#plan = graph.plan;
    if (options.provider === 'wasm') checkFits(label, this.#weightBytes, dtype);
    this.#cacheType = graph.cacheType;
    this.#onnx = encodeOnnxModel(graph.model);
  }

  /**
   * Reads a model's small files, builds its graph, converts its weights and makes a session.
   *
   * @throws LabError `model/unsupported`, `model/too-large`, `model/run-failed`, `format/bad-config`,
   *   `format/bad-tokenizer`, `source/missing-file`; what the reader throws; the signal's reason
   */
  static async load(options: LoadModelOptions): Promise<LoadedModel> {
    const transformers = await loadTransformers(options.runtime);
    const { runtime, files, reader, dtype, provider } = options;
    const setting = { runtime, files, dtype, provider, label: reader.label };
    const model = new LoadedModel(setting, transformers);
    await model.replaceWeights(reader, options);
    return model;
  }

  /**
   * Makes a session over weights that were exported before; nothing is converted. In browsers with
   * JSPI they go from where they are stored straight into the session.
   * @throws LabError as `load`; what the files throw
   */
  static async loadExport(
    exported: ReadExport,
    { runtime, provider }: Pick<LoadModelOptions, 'runtime' | 'provider'>,
    task: LongTask = {},
  ): Promise<LoadedModel> {
    const { label, texts: files, dtype, data } = exported;
    const transformers = await loadTransformers(runtime);
    const model = new LoadedModel({ runtime, files, dtype, provider, label }, transformers);
    const total = model.#weightBytes;
    const meter = new ProgressMeter(`Reading ${label}`, total, 'bytes', task.onProgress);
    const counted = data.map((file) => countedFile(file, meter));
    await model.#start(counted, label, 0, task);
    return model;
  }

  get facts(): ModelFacts {
    if (this.#facts === undefined) throw new Error('MergeLab bug: facts before weights');
    return this.#facts;
  }

  get config(): DecoderConfig {
    return this.#config;
  }

  get tokenizer(): ChatTokenizer {
    return this.#tokenizer;
  }

  /**
   * Puts other weights of the same shape in place, keeping graph and tokenizer. Replies in progress
   * finish on the old weights; if this fails or is aborted, the old weights stay.
   */
  async replaceWeights(reader: CheckpointReader, task: LongTask = {}): Promise<ModelFacts> {
    const startMs = performance.now();
    const data = this.#data ?? allocateData(this.#plan);
    this.#data = undefined;
    await fillWeights(this.#plan, reader, data, task);
    const facts = await this.#start(data, reader.label, performance.now() - startMs, task);
    if (facts.weightBytes <= keptDataBytes) this.#data = data;
    return facts;
  }

  /** Puts a session over encoded weights in place of the one before. */
  async #start(
    data: readonly WeightFile['data'][],
    label: string,
    convertMs: number,
    task: LongTask,
  ): Promise<ModelFacts> {
    const { runtime, provider, dtype } = this.#options;
    task.signal?.throwIfAborted();
    const startMs = performance.now();
    const session = await DecoderSession.create(
      {
        config: this.#config,
        positionCount: this.#positionCount,
        onnx: this.#onnx,
        cacheType: this.#cacheType,
        data: this.#plan.files.map((file, index) => ({
          path: file.name,
          data: data[index] ?? new Uint8Array(0),
        })),
      },
      provider,
      runtime,
      task,
    );
    if (task.signal?.aborted === true) {
      // Newer weights may be in place already.
      await session.retire();
      task.signal.throwIfAborted();
    }
    const previous = this.#session;
    this.#session = session;
    this.#label = label;
    this.#facts = {
      dtype,
      provider,
      threadCount: runtime.threadCount,
      weightBytes: this.#weightBytes,
      convertMs,
      sessionMs: performance.now() - startMs,
    };
    await previous?.retire();
    return this.#facts;
  }

  /** Greedy replies to prompts through the chat template, in their order. */
  async generateBatch(prompts: readonly string[], options: BatchOptions): Promise<TextReply[]> {
    const replies = await this.generateTokens(
      prompts.map((prompt) => this.#tokenizer.encodePrompt(prompt)),
      options,
    );
    return replies.map((reply) => ({
      text: this.#tokenizer.decode(reply.tokens),
      tokenCount: reply.tokens.length,
      stoppedBy: reply.stoppedBy,
    }));
  }

  /** Greedy continuations of token ids, ended by the model's own end tokens unless told others. */
  async generateTokens(
    prompts: readonly (readonly number[])[],
    options: BatchOptions & { readonly eosTokenIds?: readonly number[] },
  ): Promise<TokenReply[]> {
    return generateGreedy(this.#use(), prompts, {
      eosTokenIds: this.#eosTokenIds,
      ...options,
      label: this.#label,
    });
  }

  /** Writes one reply, handing out its text as it comes. */
  async generateStream(prompt: string, options: StreamOptions): Promise<Completion> {
    return streamCompletion(
      {
        transformers: this.#transformers,
        runtime: this.#options.runtime,
        session: this.#use(),
        tokenizer: this.#tokenizer,
        label: this.#label,
      },
      this.#tokenizer.encodePrompt(prompt),
      {
        temperature: 0,
        topP: 1,
        seed: 0,
        ...options,
        eosTokenIds: this.#eosTokenIds,
      },
    );
  }

  /** Logits after every token, row-major `[tokens, vocabulary]`. */
  async logits(tokens: readonly number[]): Promise<Float32Array> {
    return sequenceLogits(this.#use(), tokens, this.#label);
  }

  /** Log-likelihoods of continuations, given as tokens. */
  async score(
    items: readonly TokenContinuation[],
    task: LongTask = {},
  ): Promise<ContinuationScore[]> {
    return scoreContinuations(this.#use(), items, this.#label, task);
  }

  /** Frees the session once replies in progress are done; the model is not usable afterwards. */
  async dispose(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    this.#data = undefined;
    await session?.retire();
  }

  get #weightBytes(): number {
    return this.#plan.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  #use(): DecoderSession {
    if (this.#session === undefined) throw new Error('MergeLab bug: a disposed model was used');
    return this.#session;
  }
}
