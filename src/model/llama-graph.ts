import type { OnnxModel } from '../formats/onnx-model';
import type { DecoderConfig } from './decoder-config';
import { GraphBuilder } from './graph-builder';
import { GraphWeights } from './graph-weights';
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
}

const contrib = 'com.microsoft';

/**
 * The ONNX graph of a Llama decoder with its KV cache, in float32 arithmetic, and the plan of its
 * weights. Inputs: `input_ids` and `attention_mask` (int64, valid tokens first in each row, never
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

  constructor(config: DecoderConfig, options: LlamaGraphOptions) {
    this.#config = config;
    this.#options = options;
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
    };
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
          dataType: 'float32',
          dims: ['batch_size', keyValueHeadCount, 'past_sequence_length', headSize],
        });
      }
    }
    // GroupQueryAttention wants the last valid index of each row and the padded total length.
    graph.node('mask.sum', 'ReduceSum', ['attention_mask', graph.integers('axis.1', [1])], {
      attributes: { keepdims: 0 },
    });
    graph.node('mask.last', 'Sub', ['mask.sum', graph.integers('one', 1)]);
    graph.node('seqlens_k', 'Cast', ['mask.last'], { attributes: { to: 6 } });
    graph.node('mask.shape', 'Shape', ['attention_mask'], { attributes: { start: 1, end: 2 } });
    graph.node('mask.length', 'Squeeze', ['mask.shape']);
    graph.node('total_length', 'Cast', ['mask.length'], { attributes: { to: 6 } });
    graph.node('ids.shape', 'Shape', ['input_ids']);
    graph.node('split.shape', 'Concat', ['ids.shape', graph.integers('minus.one', [-1])], {
      attributes: { axis: 0 },
    });
    const tables = ropeTables(this.#config, this.#options.positionCount);
    const tableDims = [tables.positionCount, headSize / 2];
    graph.floats('rope.cosines', tableDims, tables.cosines);
    graph.floats('rope.sines', tableDims, tables.sines);
  }

  /** Token vectors, flattened to `[batch · sequence, hidden]`. */
  #embedding(): string {
    const graph = this.#graph;
    const { vocabularySize, hiddenSize } = this.#config;
    graph.integers('flat.shape', [-1, hiddenSize]);
    const table = this.#weights.table('model.embed_tokens.weight', vocabularySize, hiddenSize);
    if (this.#weights.tableEncoding === 'fp32') {
      graph.node('embedding.rows', 'Gather', [table, 'input_ids']);
      return graph.node('embedding', 'Reshape', ['embedding.rows', 'flat.shape']);
    }
    // One 8-bit table serves this lookup and the head on both providers (GatherBlockQuantized has
    // no wasm kernel). Codes are centred on 128.
    graph.node('embedding.codes', 'Gather', [`${table}.codes`, 'input_ids']);
    graph.node('embedding.wide', 'Cast', ['embedding.codes'], { attributes: { to: 1 } });
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

  #attention(layer: number, x: string): string {
    const graph = this.#graph;
    const { headCount, keyValueHeadCount, headSize, hiddenSize } = this.#config;
    const prefix = `model.layers.${String(layer)}.self_attn`;
    const width = headCount * headSize;
    const kvWidth = keyValueHeadCount * headSize;
    let projections: string[];
    if (this.#options.dtype === 'fp32') {
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
        dataType: 'float32',
        dims: ['batch_size', keyValueHeadCount, 'total_sequence_length', headSize],
      });
    }
    const merged = graph.node(`${prefix}.flat`, 'Reshape', [
      prefix,
      layer === 0 ? graph.integers('attention.shape', [-1, width]) : 'attention.shape',
    ]);
    const name = `${prefix}.o_proj`;
    return this.#weights.product(name, [`${name}.weight`], merged, hiddenSize, width);
  }

  #mlp(layer: number, x: string): string {
    const graph = this.#graph;
    const { hiddenSize, intermediateSize } = this.#config;
    const prefix = `model.layers.${String(layer)}.mlp`;
    const sources = ['gate_proj', 'up_proj'].map((part) => `${prefix}.${part}.weight`);
    let gate: string;
    let up: string;
    if (this.#options.dtype === 'fp32') {
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
    return this.#weights.product(name, [`${name}.weight`], gated, hiddenSize, intermediateSize);
  }

  #head(x: string): void {
    const graph = this.#graph;
    const { vocabularySize, hiddenSize, tiesEmbeddings } = this.#config;
    const chosen = this.#chosenPositions(x);
    const flat = this.#options.logits === 'rows' ? 'logits' : 'logits.flat';
    if (tiesEmbeddings) {
      this.#weights.multiply(flat, chosen, 'model.embed_tokens.weight', {
        rows: vocabularySize,
        columns: hiddenSize,
        encoding: this.#weights.tableEncoding,
      });
    } else {
      this.#weights.product(
        'lm_head',
        ['lm_head.weight'],
        chosen,
        vocabularySize,
        hiddenSize,
        flat,
      );
    }
    if (this.#options.logits === 'keep') {
      graph.node('logits', 'Reshape', [flat, 'kept.shape']);
      graph.output({
        name: 'logits',
        dataType: 'float32',
        dims: ['batch_size', 'kept_length', vocabularySize],
      });
      return;
    }
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
