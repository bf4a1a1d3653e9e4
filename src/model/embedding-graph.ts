import type { DecoderConfig } from './decoder-config';
import type { GraphBuilder } from './graph-builder';
import type { GraphWeights } from './graph-weights';
import { blockSize, blocksPerRow } from './weight-plan';

/** What the two ends of a decoder's graph are written with: the token lookup and the head. */
export interface EndSetting {
  readonly graph: GraphBuilder;
  readonly weights: GraphWeights;
  readonly config: DecoderConfig;
}

/**
 * Token vectors of `input_ids`, flattened to `[batch · sequence, hidden]`. A quantised table serves
 * this lookup and a tied head alike: its rows are gathered and widened by plain operators, which both
 * providers run (GatherBlockQuantized has no wasm kernel).
 */
export function writeEmbedding(setting: EndSetting): string {
  const { graph, config } = setting;
  const { embeddingScale } = config.traits;
  const vectors = tokenVectors(setting);
  if (embeddingScale === 1) return vectors;
  const scale = graph.floats('embedding.scale', [], Float32Array.of(embeddingScale));
  return graph.node('embedding.scaled', 'Mul', [vectors, scale]);
}

function tokenVectors({ graph, weights, config }: EndSetting): string {
  const { vocabularySize, hiddenSize } = config;
  const table = weights.table('model.embed_tokens.weight', vocabularySize, hiddenSize);
  if (weights.stacks) {
    const rows = weights.widen(graph.node('embedding.rows', 'Gather', [table, 'input_ids']));
    return graph.node('embedding', 'Reshape', [rows, 'flat.shape']);
  }
  const encoding = weights.tableEncoding(vocabularySize, hiddenSize);
  graph.node('embedding.codes', 'Gather', [`${table}.codes`, 'input_ids']);
  graph.cast('embedding.wide', 'embedding.codes', 'float32');
  if (encoding === 'q4') centre4(graph, table, blocksPerRow(hiddenSize));
  else centre8(graph);
  graph.node('embedding.rowScales', 'Gather', [weights.scales(table, encoding), 'input_ids']);
  graph.node('embedding.scales', 'Unsqueeze', ['embedding.rowScales', 'minus.one']);
  graph.node('embedding.blocks', 'Mul', ['embedding.centred', 'embedding.scales']);
  return graph.node('embedding', 'Reshape', ['embedding.blocks', 'flat.shape']);
}

/** From `embedding.wide` to `embedding.centred`, both `[batch, sequence, blocks, 32]`. */
function centre8(graph: GraphBuilder): void {
  graph.floats('embedding.centre', [], Float32Array.of(128));
  graph.node('embedding.centred', 'Sub', ['embedding.wide', 'embedding.centre']);
}

/** From `embedding.wide`, two codes in each of its `[batch, sequence, blocks, 16]`, likewise. */
function centre4(graph: GraphBuilder, table: string, blocks: number): void {
  graph.floats('sixteen', [], Float32Array.of(16));
  const codes = nibbles(graph, 'embedding.wide', [blocks, blockSize]);
  graph.node('embedding.zeros', 'Gather', [`${table}.zeros`, 'input_ids']);
  const bytes = graph.cast('embedding.zeros.wide', 'embedding.zeros', 'float32');
  let zeros = nibbles(graph, bytes, [2 * Math.ceil(blocks / 2)]);
  if (blocks % 2 === 1) {
    const start = graph.integers('embedding.zeros.start', [0]);
    const end = graph.integers('embedding.zeros.end', [blocks]);
    zeros = graph.node('embedding.zeros.kept', 'Slice', [zeros, start, end, 'minus.one']);
  }
  graph.node('embedding.centres', 'Unsqueeze', [zeros, 'minus.one']);
  graph.node('embedding.centred', 'Sub', [codes, 'embedding.centres']);
}

/**
 * The low and the high half of each byte one after the other, `[batch, sequence, ...dims]`. Bytes
 * come as float32, whose division by 16 is exact, so that both providers have the operators.
 */
function nibbles(graph: GraphBuilder, bytes: string, dims: readonly number[]): string {
  graph.node(`${bytes}.sixteenths`, 'Div', [bytes, 'sixteen']);
  graph.node(`${bytes}.high`, 'Floor', [`${bytes}.sixteenths`]);
  graph.node(`${bytes}.highPart`, 'Mul', [`${bytes}.high`, 'sixteen']);
  graph.node(`${bytes}.low`, 'Sub', [bytes, `${bytes}.highPart`]);
  const halves = ['low', 'high'].map((half) =>
    graph.node(`${bytes}.${half}.column`, 'Unsqueeze', [`${bytes}.${half}`, 'minus.one']),
  );
  graph.node(`${bytes}.pairs`, 'Concat', halves, { attributes: { axis: -1 } });
  // 0 keeps the length of an axis.
  const shape = graph.integers(`${bytes}.nibbles.shape`, [0, 0, ...dims]);
  return graph.node(`${bytes}.nibbles`, 'Reshape', [`${bytes}.pairs`, shape]);
}
