import type { OnnxModel } from '../formats/onnx-model';
import type { DecoderConfig } from './decoder-config';
import { GraphBuilder } from './graph-builder';
import { GraphWeights, isPlain } from './graph-weights';
import { ropeTables } from './rope-tables';
import { WeightPlanner, type WeightEncoding, type WeightPlan } from './weight-plan';

export interface LlamaGraphOptions {
  readonly dtype: WeightEncoding;
  /** Name of the first external data file, such as `model_q4.onnx_data`. */
  readonly dataFileName: string;
  /** Rows of the rotary tables: the longest sequence the session can hold. */
  readonly positionCount: number;
  /**
   * Which positions get logits. `rows`: those listed in the input `logit_rows` (int64, indices into
   * batch · sequence), output `[rows, vocabulary]`. `keep`: the last `num_logits_to_keep` of each
   * row, 0 for all, output `[batch, kept, vocabulary]`, as transformers.js expects.
   */
  readonly logits: 'rows' | 'keep';
}

export interface LlamaGraph {
  readonly model: OnnxModel;
  readonly plan: WeightPlan;
  readonly cacheType: CacheType;
}

/** Element type of keys and values that wait for the next token. */
export type CacheType = 'float32' | 'float16';

const contrib = 'com.microsoft';

/**
 * The ONNX graph of a Llama decoder with its KV cache and the plan of its weights. Arithmetic is in
 * float32; with fp16 weights, products, attention and cache are in float16, while the residual
 * stream and the norms, which can outgrow it, stay in float32.
 *
 * Inputs: `input_ids` and `attention_mask` (int64, valid tokens first in each row, never
 * left-padded), `past_key_values.N.key|value` `[batch, kvHeads, past, headSize]`. Outputs: `logits`
 * and `present.N.key|value`.
 *
 * Operators of opset 21 and `com.microsoft` 1 that both onnxruntime-web 1.30 providers run. Float
 * matrices keep the checkpoint's `[out, in]` layout through `Gemm` with a transposed B, so nothing
 * is transposed on the way; q, k, v and gate, up are stacked by rows into one product each.
 */
export function buildLlamaGraph(config: DecoderConfig, options: LlamaGraphOptions): LlamaGraph {
  return new LlamaGraphWriter(config, options).build();
}

class LlamaGraphWriter {
  readonly #config: DecoderConfig;
  readonly #options: LlamaGraphOptions;
  readonly #graph = new GraphBuilder();
  readonly #planner: WeightPlanner;
  readonly #weights: GraphWeights;
  /** Of products and attention. */
  readonly #type: CacheType;

  constructor(config: DecoderConfig, options: LlamaGraphOptions) {
    this.#config = config;
    this.#options = options;
    this.#type = options.dtype === 'fp16' ? 'float16' : 'float32';
    this.#planner = new WeightPlanner(options.dataFileName);
    this.#weights = new GraphWeights(this.#graph, this.#planner, options.dtype);
  }

  build(): LlamaGraph {
    this.#declareInputs();
    let residual = this.#embedding();
    let normed = this.#firstNorm(residual);
    for (let layer = 0; layer < this.#config.layerCount; layer++) {
      const attended = this.#attention(layer, normed);
      const prefix = `model.layers.${String(layer)}`;
      const middle = this.#addAndNorm(`${prefix}.post_attention_layernorm`, attended, residual);
      const expanded = this.#mlp(layer, middle.normed);
      const isLast = layer === this.#config.layerCount - 1;
      const nextNorm = isLast ? 'model.norm' : `model.layers.${String(layer + 1)}.input_layernorm`;
      ({ normed, residual } = this.#addAndNorm(nextNorm, expanded, middle.residual));
    }
    this.#head(normed);
    return {
      model: {
        irVersion: 10,
        producer: 'MergeLab',
        opsets: { '': 21, [contrib]: 1 },
        graph: this.#graph.finish(this.#config.modelType),
      },
      plan: this.#planner.finish(),
      cacheType: this.#type,
    };
  }

  /** From the residual stream into a product. */
  #narrow(x: string): string {
    return this.#type === 'float32' ? x : this.#graph.cast(`${x}.narrow`, x, 'float16');
  }

  /** From a product into the residual stream. */
  #widen(x: string): string {
    return this.#type === 'float32' ? x : this.#graph.cast(`${x}.wide`, x, 'float32');
  }

  #declareInputs(): void {
    const graph = this.#graph;
    const { keyValueHeadCount, headSize, layerCount } = this.#config;
    graph.input({
      name: 'input_ids',
      dataType: 'int64',
      dims: ['batch_size', 'sequence_length'],
    });
    graph.input({
      name: 'attention_mask',
      dataType: 'int64',
      dims: ['batch_size', 'total_sequence_length'],
    });
    for (let layer = 0; layer < layerCount; layer++) {
      for (const part of ['key', 'value']) {
        graph.input({
          name: `past_key_values.${String(layer)}.${part}`,
          dataType: this.#type,
          dims: ['batch_size', keyValueHeadCount, 'past_sequence_length', headSize],
        });
      }
    }
    // GroupQueryAttention wants the last valid index of each row and the padded total length.
    graph.node('mask.sum', 'ReduceSum', ['attention_mask', graph.integers('axis.1', [1])], {
      attributes: { keepdims: 0 },
    });
    graph.node('mask.last', 'Sub', ['mask.sum', graph.integers('one', 1)]);
    graph.cast('seqlens_k', 'mask.last', 'int32');
    graph.node('mask.shape', 'Shape', ['attention_mask'], { attributes: { start: 1, end: 2 } });
    graph.node('mask.length', 'Squeeze', ['mask.shape']);
    graph.cast('total_length', 'mask.length', 'int32');
    graph.node('ids.shape', 'Shape', ['input_ids']);
    graph.node('split.shape', 'Concat', ['ids.shape', graph.integers('minus.one', [-1])], {
      attributes: { axis: 0 },
    });
    const tables = ropeTables(this.#config, this.#options.positionCount);
    const tableDims = [tables.positionCount, headSize / 2];
    graph.floats('rope.cosines', tableDims, tables.cosines, this.#type);
    graph.floats('rope.sines', tableDims, tables.sines, this.#type);
  }

  /** Token vectors, flattened to `[batch · sequence, hidden]`. */
  #embedding(): string {
    const graph = this.#graph;
    const { vocabularySize, hiddenSize } = this.#config;
    graph.integers('flat.shape', [-1, hiddenSize]);
    const table = this.#weights.table('model.embed_tokens.weight', vocabularySize, hiddenSize);
    if (isPlain(this.#weights.tableEncoding)) {
      const rows = this.#widen(graph.node('embedding.rows', 'Gather', [table, 'input_ids']));
      return graph.node('embedding', 'Reshape', [rows, 'flat.shape']);
    }
    // One 8-bit table serves this lookup and the head on both providers (GatherBlockQuantized has
    // no wasm kernel). Codes are centred on 128.
    graph.node('embedding.codes', 'Gather', [`${table}.codes`, 'input_ids']);
    graph.cast('embedding.wide', 'embedding.codes', 'float32');
    graph.floats('embedding.centre', [], Float32Array.of(128));
    graph.node('embedding.centred', 'Sub', ['embedding.wide', 'embedding.centre']);
    graph.node('embedding.rowScales', 'Gather', [`${table}.scales`, 'input_ids']);
    graph.node('embedding.scales', 'Unsqueeze', [
      'embedding.rowScales',
      graph.integers('axis.last', [-1]),
    ]);
    graph.node('embedding.blocks', 'Mul', ['embedding.centred', 'embedding.scales']);
    return graph.node('embedding', 'Reshape', ['embedding.blocks', 'flat.shape']);
  }

  #firstNorm(x: string): string {
    const name = 'model.layers.0.input_layernorm';
    return this.#graph.node(
      name,
      'SimplifiedLayerNormalization',
      [x, this.#weights.vector(name, this.#config.hiddenSize)],
      {
        attributes: { axis: -1, epsilon: { float: this.#config.normEpsilon }, stash_type: 1 },
      },
    );
  }

  #addAndNorm(name: string, x: string, residual: string): { normed: string; residual: string } {
    const sum = `${name}.sum`;
    const normed = this.#graph.node(
      name,
      'SkipSimplifiedLayerNormalization',
      [x, residual, this.#weights.vector(name, this.#config.hiddenSize)],
      {
        domain: contrib,
        attributes: { epsilon: { float: this.#config.normEpsilon } },
        outputs: [name, '', '', sum],
      },
    );
    return { normed, residual: sum };
  }

  #attention(layer: number, normed: string): string {
    const graph = this.#graph;
    const x = this.#narrow(normed);
    const { headCount, keyValueHeadCount, headSize, hiddenSize } = this.#config;
    const prefix = `model.layers.${String(layer)}.self_attn`;
    const width = headCount * headSize;
    const kvWidth = keyValueHeadCount * headSize;
    let projections: string[];
    if (isPlain(this.#options.dtype)) {
      const flat = this.#weights.product(
        `${prefix}.qkv_proj`,
        ['q_proj', 'k_proj', 'v_proj'].map((part) => `${prefix}.${part}.weight`),
        x,
        width + 2 * kvWidth,
        hiddenSize,
      );
      projections = [graph.node(`${prefix}.qkv`, 'Reshape', [flat, 'split.shape']), '', ''];
    } else {
      projections = ['q_proj', 'k_proj', 'v_proj'].map((part) => {
        const name = `${prefix}.${part}`;
        const rows = part === 'q_proj' ? width : kvWidth;
        const flat = this.#weights.product(name, [`${name}.weight`], x, rows, hiddenSize);
        return graph.node(`${name}.split`, 'Reshape', [flat, 'split.shape']);
      });
    }
    const cache = ['key', 'value'].map((part) => `${String(layer)}.${part}`);
    graph.node(
      prefix,
      'GroupQueryAttention',
      [
        ...projections,
        ...cache.map((name) => `past_key_values.${name}`),
        'seqlens_k',
        'total_length',
        'rope.cosines',
        'rope.sines',
      ],
      {
        domain: contrib,
        attributes: {
          num_heads: headCount,
          kv_num_heads: keyValueHeadCount,
          scale: { float: headSize ** -0.5 },
          do_rotary: 1,
          rotary_interleaved: 0,
        },
        outputs: [prefix, ...cache.map((name) => `present.${name}`)],
      },
    );
    for (const name of cache) {
      graph.output({
        name: `present.${name}`,
        dataType: this.#type,
        dims: ['batch_size', keyValueHeadCount, 'total_sequence_length', headSize],
      });
    }
    const merged = graph.node(`${prefix}.flat`, 'Reshape', [
      prefix,
      layer === 0 ? graph.integers('attention.shape', [-1, width]) : 'attention.shape',
    ]);
    const name = `${prefix}.o_proj`;
    return this.#widen(this.#weights.product(name, [`${name}.weight`], merged, hiddenSize, width));
  }

  #mlp(layer: number, normed: string): string {
    const graph = this.#graph;
    const x = this.#narrow(normed);
    const { hiddenSize, intermediateSize } = this.#config;
    const prefix = `model.layers.${String(layer)}.mlp`;
    const sources = ['gate_proj', 'up_proj'].map((part) => `${prefix}.${part}.weight`);
    let gate: string;
    let up: string;
    if (isPlain(this.#options.dtype)) {
      const both = this.#weights.product(
        `${prefix}.gate_up_proj`,
        sources,
        x,
        2 * intermediateSize,
        hiddenSize,
      );
      [gate, up] = [`${prefix}.gate`, `${prefix}.up`];
      graph.node(`${prefix}.split`, 'Split', [both], {
        attributes: { axis: -1, num_outputs: 2 },
        outputs: [gate, up],
      });
    } else {
      [gate, up] = ['gate_proj', 'up_proj'].map((part) =>
        this.#weights.product(
          `${prefix}.${part}`,
          [`${prefix}.${part}.weight`],
          x,
          intermediateSize,
          hiddenSize,
        ),
      ) as [string, string];
    }
    graph.node(`${prefix}.sigmoid`, 'Sigmoid', [gate]);
    graph.node(`${prefix}.silu`, 'Mul', [gate, `${prefix}.sigmoid`]);
    const gated = graph.node(`${prefix}.gated`, 'Mul', [`${prefix}.silu`, up]);
    const name = `${prefix}.down_proj`;
    return this.#widen(
      this.#weights.product(name, [`${name}.weight`], gated, hiddenSize, intermediateSize),
    );
  }

  #head(x: string): void {
    const graph = this.#graph;
    const { vocabularySize, hiddenSize, tiesEmbeddings } = this.#config;
    const chosen = this.#narrow(this.#chosenPositions(x));
    const product = tiesEmbeddings
      ? this.#weights.multiply('head', chosen, 'model.embed_tokens.weight', {
          rows: vocabularySize,
          columns: hiddenSize,
          encoding: this.#weights.tableEncoding,
        })
      : this.#weights.product('lm_head', ['lm_head.weight'], chosen, vocabularySize, hiddenSize);
    const flat = this.#widen(product);
    if (this.#options.logits === 'keep') {
      graph.node('logits', 'Reshape', [flat, 'kept.shape']);
      graph.output({
        name: 'logits',
        dataType: 'float32',
        dims: ['batch_size', 'kept_length', vocabularySize],
      });
      return;
    }
    graph.node('logits', 'Identity', [flat]);
    graph.output({
      name: 'logits',
      dataType: 'float32',
      dims: ['logit_row_count', vocabularySize],
    });
  }

  /** The hidden rows whose logits are wanted, flat. */
  #chosenPositions(x: string): string {
    const graph = this.#graph;
    if (this.#options.logits === 'rows') {
      graph.input({ name: 'logit_rows', dataType: 'int64', dims: ['logit_row_count'] });
      return graph.node('chosen', 'Gather', [x, 'logit_rows']);
    }
    graph.input({ name: 'num_logits_to_keep', dataType: 'int64', dims: [] });
    graph.node('kept.full', 'Reshape', [x, 'split.shape']);
    graph.node('kept.negative', 'Neg', ['num_logits_to_keep']);
    graph.node('kept.start', 'Reshape', ['kept.negative', 'minus.one']);
    // A start of -0 keeps everything, as num_logits_to_keep = 0 asks.
    graph.node('kept', 'Slice', [
      'kept.full',
      'kept.start',
      graph.integers('kept.end', [2 ** 31 - 1]),
      'axis.1',
    ]);
    graph.node('kept.dims', 'Shape', ['kept'], { attributes: { start: 0, end: 2 } });
    graph.node('kept.shape', 'Concat', ['kept.dims', 'minus.one'], { attributes: { axis: 0 } });
    return graph.node('chosen', 'Reshape', ['kept', 'flat.shape']);
  }
}
