import type { OnnxModel } from '../formats/onnx-model';
import type { Attention, Projections } from './attention';
import { attentionFor } from './attention-graph';
import type { DecoderConfig } from './decoder-config';
import { writeEmbedding } from './embedding-graph';
import { GraphBuilder } from './graph-builder';
import { GraphWeights, type ProductType } from './graph-weights';
import { writeHead, type LogitRows } from './head-graph';
import { ropeTables } from './rope-tables';
import { WeightPlanner, type WeightEncoding, type WeightPlan } from './weight-plan';

export interface DecoderGraphOptions {
  readonly dtype: WeightEncoding;
  /** Name of the first external data file, such as `model_q4.onnx_data`. */
  readonly dataFileName: string;
  /** Rows of the rotary tables: the longest sequence the session can hold. */
  readonly positionCount: number;
  readonly logits: LogitRows;
}

export interface DecoderGraph {
  readonly model: OnnxModel;
  /** The same for both kinds of logits. */
  readonly plan: WeightPlan;
  readonly cacheType: ProductType;
}

const contrib = 'com.microsoft';

/**
 * The ONNX graph of a decoder of the Llama, Qwen or Gemma-2 family with its KV cache and the plan of
 * its weights. Arithmetic is in float32, with fp16 weights as `GraphWeights` says.
 *
 * Inputs: `input_ids` and `attention_mask` (int64, valid tokens first in each row, never left-padded
 * except with capped scores and `keep`), `past_key_values.N.key|value` `[batch, kvHeads, past,
 * headSize]`. Outputs: `logits` and `present.N.key|value`.
 *
 * Operators of opset 21 and `com.microsoft` 1 that both onnxruntime-web 1.30 providers run. Float
 * matrices keep the checkpoint's `[out, in]` layout through `Gemm` with a transposed B, so nothing
 * is transposed on the way; q, k, v and gate, up are stacked by rows into one product each.
 */
export function buildDecoderGraph(
  config: DecoderConfig,
  options: DecoderGraphOptions,
): DecoderGraph {
  return new DecoderGraphWriter(config, options).build();
}

class DecoderGraphWriter {
  readonly #config: DecoderConfig;
  readonly #options: DecoderGraphOptions;
  readonly #graph = new GraphBuilder();
  readonly #planner: WeightPlanner;
  readonly #weights: GraphWeights;
  readonly #attention: Attention;

  constructor(config: DecoderConfig, options: DecoderGraphOptions) {
    this.#config = config;
    this.#options = options;
    this.#planner = new WeightPlanner(options.dataFileName);
    this.#weights = new GraphWeights(
      this.#graph,
      this.#planner,
      options.dtype,
      options.logits === 'rows',
    );
    const setting = { graph: this.#graph, config, type: this.#weights.type };
    this.#attention = attentionFor(setting, options.logits === 'keep');
  }

  build(): DecoderGraph {
    this.#declare();
    const { layerCount, traits } = this.#config;
    const ends = { graph: this.#graph, weights: this.#weights, config: this.#config };
    let residual = writeEmbedding(ends);
    let normed = this.#norm('model.layers.0.input_layernorm', residual);
    for (let layer = 0; layer < layerCount; layer++) {
      const prefix = layerName(layer);
      const after =
        layer === layerCount - 1 ? 'model.norm' : `${layerName(layer + 1)}.input_layernorm`;
      const attended = this.#attend(layer, normed);
      if (traits.normsOutputs) {
        const own = this.#norm(`${prefix}.post_attention_layernorm`, attended);
        const middle = this.#addAndNorm(`${prefix}.pre_feedforward_layernorm`, own, residual);
        const expanded = this.#mlp(layer, middle.normed);
        const outcome = this.#norm(`${prefix}.post_feedforward_layernorm`, expanded);
        ({ normed, residual } = this.#addAndNorm(after, outcome, middle.residual));
      } else {
        const middle = this.#addAndNorm(`${prefix}.post_attention_layernorm`, attended, residual);
        const expanded = this.#mlp(layer, middle.normed);
        ({ normed, residual } = this.#addAndNorm(after, expanded, middle.residual));
      }
    }
    writeHead(ends, normed, this.#options.logits);
    return {
      model: {
        irVersion: 10,
        producer: 'MergeLab',
        opsets: { '': 21, [contrib]: 1 },
        graph: this.#graph.finish(this.#config.modelType),
      },
      plan: this.#planner.finish(),
      cacheType: this.#weights.type,
    };
  }

  #declare(): void {
    const graph = this.#graph;
    const { keyValueHeadCount, headSize, layerCount, hiddenSize, headCount } = this.#config;
    const { type } = this.#weights;
    const int64 = 'int64';
    graph.input({ name: 'input_ids', dataType: int64, dims: ['batch_size', 'sequence_length'] });
    const maskDims = ['batch_size', 'total_sequence_length'];
    graph.input({ name: 'attention_mask', dataType: int64, dims: maskDims });
    for (let layer = 0; layer < layerCount; layer++) {
      for (const part of [`${String(layer)}.key`, `${String(layer)}.value`]) {
        const dimsWith = (length: string): (number | string)[] => [
          ...['batch_size', keyValueHeadCount, length, headSize],
        ];
        const past = dimsWith('past_sequence_length');
        graph.input({ name: `past_key_values.${part}`, dataType: type, dims: past });
        const present = dimsWith('total_sequence_length');
        graph.output({ name: `present.${part}`, dataType: type, dims: present });
      }
    }
    graph.integers('axis.1', [1]);
    graph.integers('minus.one', [-1]);
    graph.integers('flat.shape', [-1, hiddenSize]);
    graph.integers('attention.shape', [-1, headCount * headSize]);
    graph.node('ids.shape', 'Shape', ['input_ids']);
    graph.node('split.shape', 'Concat', ['ids.shape', 'minus.one'], { attributes: { axis: 0 } });
    const tables = ropeTables(this.#config, this.#options.positionCount);
    const tableDims = [tables.positionCount, headSize / 2];
    graph.floats('rope.cosines', tableDims, tables.cosines, type);
    graph.floats('rope.sines', tableDims, tables.sines, type);
    this.#attention.prepare();
  }

  /** @param length of the last axis: that of the residual stream unless given */
  #norm(name: string, x: string, length = this.#config.hiddenSize): string {
    const { normEpsilon, traits } = this.#config;
    const weight = this.#weights.normVector(name, length, traits.normAddend);
    return this.#graph.node(name, 'SimplifiedLayerNormalization', [x, weight], {
      attributes: { axis: -1, epsilon: { float: normEpsilon }, stash_type: 1 },
    });
  }

  #addAndNorm(name: string, x: string, residual: string): { normed: string; residual: string } {
    const { normEpsilon, traits, hiddenSize } = this.#config;
    const sum = `${name}.sum`;
    const weight = this.#weights.normVector(name, hiddenSize, traits.normAddend);
    const normed = this.#graph.node(
      name,
      'SkipSimplifiedLayerNormalization',
      [x, residual, weight],
      {
        domain: contrib,
        attributes: { epsilon: { float: normEpsilon } },
        outputs: [name, '', '', sum],
      },
    );
    return { normed, residual: sum };
  }

  #attend(layer: number, normed: string): string {
    const { headCount, headSize, hiddenSize } = this.#config;
    const gathered = this.#attention.attend(layer, this.#project(layer, normed));
    const name = `${layerName(layer)}.self_attn.o_proj`;
    const flat = this.#graph.node(`${name}.input`, 'Reshape', [gathered, 'attention.shape']);
    return this.#weights.widen(
      this.#weights.product(name, [`${name}.weight`], flat, hiddenSize, headCount * headSize),
    );
  }

  #project(layer: number, normed: string): Projections {
    const graph = this.#graph;
    const { headCount, keyValueHeadCount, headSize, hiddenSize, traits } = this.#config;
    const prefix = `${layerName(layer)}.self_attn`;
    const x = this.#weights.narrow(normed);
    const width = headCount * headSize;
    const kvWidth = keyValueHeadCount * headSize;
    const isPlain = !traits.hasQkvBias && !traits.normsHeads && traits.attentionCap === undefined;
    if (this.#weights.stacks && isPlain) {
      const sources = ['q', 'k', 'v'].map((part) => `${prefix}.${part}_proj.weight`);
      const rows = width + 2 * kvWidth;
      const flat = this.#weights.product(`${prefix}.qkv_proj`, sources, x, rows, hiddenSize);
      const packed = graph.node(`${prefix}.qkv`, 'Reshape', [flat, 'split.shape']);
      return { query: packed, key: '', value: '' };
    }
    const part = (letter: 'q' | 'k' | 'v'): string => {
      const name = `${prefix}.${letter}_proj`;
      const rows = letter === 'q' ? width : kvWidth;
      let flat = this.#weights.product(name, [`${name}.weight`], x, rows, hiddenSize);
      if (traits.hasQkvBias) flat = this.#weights.biased(name, flat, rows);
      if (traits.normsHeads && letter !== 'v') flat = this.#normHeads(`${prefix}.${letter}`, flat);
      return graph.node(`${name}.split`, 'Reshape', [flat, 'split.shape']);
    };
    return { query: part('q'), key: part('k'), value: part('v') };
  }

  /** @param name of the projection without its ending, such as `model.layers.0.self_attn.q` */
  #normHeads(name: string, flat: string): string {
    const { headSize } = this.#config;
    const shape = this.#graph.integers(`${name}.headShape`, [-1, headSize]);
    const heads = this.#graph.node(`${name}.heads`, 'Reshape', [this.#weights.widen(flat), shape]);
    return this.#weights.narrow(this.#norm(`${name}_norm`, heads, headSize));
  }

  #mlp(layer: number, normed: string): string {
    const { hiddenSize, intermediateSize } = this.#config;
    const prefix = `${layerName(layer)}.mlp`;
    const [gate, up] = this.#gateAndUp(prefix, this.#weights.narrow(normed));
    const active = this.#activate(prefix, gate);
    const gated = this.#graph.node(`${prefix}.gated`, 'Mul', [active, up]);
    const name = `${prefix}.down_proj`;
    return this.#weights.widen(
      this.#weights.product(name, [`${name}.weight`], gated, hiddenSize, intermediateSize),
    );
  }

  #gateAndUp(prefix: string, x: string): readonly [string, string] {
    const { hiddenSize, intermediateSize } = this.#config;
    const [gate, up] = [`${prefix}.gate_proj`, `${prefix}.up_proj`];
    const sources = [`${gate}.weight`, `${up}.weight`];
    if (!this.#weights.stacks) {
      this.#weights.product(gate, sources.slice(0, 1), x, intermediateSize, hiddenSize);
      this.#weights.product(up, sources.slice(1), x, intermediateSize, hiddenSize);
      return [gate, up];
    }
    const rows = 2 * intermediateSize;
    const both = this.#weights.product(`${prefix}.gate_up_proj`, sources, x, rows, hiddenSize);
    this.#graph.node(`${prefix}.split`, 'Split', [both], {
      attributes: { axis: -1, num_outputs: 2 },
      outputs: [gate, up],
    });
    return [gate, up];
  }

  #activate(prefix: string, gate: string): string {
    const graph = this.#graph;
    if (this.#config.traits.activation === 'gelu-tanh') {
      return graph.node(`${prefix}.gelu`, 'Gelu', [gate], { attributes: { approximate: 'tanh' } });
    }
    graph.node(`${prefix}.sigmoid`, 'Sigmoid', [gate]);
    return graph.node(`${prefix}.silu`, 'Mul', [gate, `${prefix}.sigmoid`]);
  }
}

function layerName(layer: number): string {
  return `model.layers.${String(layer)}`;
}
