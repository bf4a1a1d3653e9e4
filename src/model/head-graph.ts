import type { EndSetting } from './embedding-graph';
import type { GraphBuilder } from './graph-builder';

/**
 * Which positions get logits. `rows`: those listed in the input `logit_rows` (int64, indices into
 * batch · sequence), output `[rows, vocabulary]`; for our own sessions on the wasm provider, or for
 * models without capped scores on any. `keep`: the last `num_logits_to_keep` of each row, 0 for all,
 * output `[batch, kept, vocabulary]`, as transformers.js expects, on any provider.
 */
export type LogitRows = 'rows' | 'keep';

/** From the last norm `[batch · sequence, hidden]` to the output `logits`. */
export function writeHead(setting: EndSetting, x: string, logits: LogitRows): void {
  const { graph, weights, config } = setting;
  const { vocabularySize, hiddenSize, tiesEmbeddings } = config;
  const chosen = weights.narrow(chosenPositions(graph, x, logits));
  const name = tiesEmbeddings ? 'head' : 'lm_head';
  const weight = tiesEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight';
  const form = tiesEmbeddings
    ? {
        rows: vocabularySize,
        columns: hiddenSize,
        encoding: weights.tableEncoding(vocabularySize, hiddenSize),
      }
    : weights.matrix(weight, [weight], vocabularySize, hiddenSize);
  const product = weights.multiplyHead(name, chosen, weight, form);
  const flat = capLogits(setting, weights.widen(product));
  if (logits === 'keep') graph.node('logits', 'Reshape', [flat, 'kept.shape']);
  else graph.node('logits', 'Identity', [flat]);
  const rows = logits === 'keep' ? ['batch_size', 'kept_length'] : ['logit_row_count'];
  graph.output({ name: 'logits', dataType: 'float32', dims: [...rows, vocabularySize] });
}

function capLogits({ graph, config }: EndSetting, logits: string): string {
  const { logitCap } = config.traits;
  if (logitCap === undefined) return logits;
  const cap = graph.floats('logits.cap', [], Float32Array.of(logitCap));
  graph.node('logits.small', 'Div', [logits, cap]);
  graph.node('logits.bent', 'Tanh', ['logits.small']);
  return graph.node('logits.capped', 'Mul', ['logits.bent', cap]);
}

/** The hidden rows whose logits are wanted, flat. */
function chosenPositions(graph: GraphBuilder, x: string, logits: LogitRows): string {
  if (logits === 'rows') {
    graph.input({ name: 'logit_rows', dataType: 'int64', dims: ['logit_row_count'] });
    return graph.node('chosen', 'Gather', [x, 'logit_rows']);
  }
  graph.input({ name: 'num_logits_to_keep', dataType: 'int64', dims: [] });
  graph.node('kept.full', 'Reshape', [x, 'split.shape']);
  graph.node('kept.negative', 'Neg', ['num_logits_to_keep']);
  graph.node('kept.start', 'Reshape', ['kept.negative', 'minus.one']);
  // A start of -0 keeps everything, as num_logits_to_keep = 0 asks.
  const end = graph.integers('kept.end', [2 ** 31 - 1]);
  graph.node('kept', 'Slice', ['kept.full', 'kept.start', end, 'axis.1']);
  graph.node('kept.dims', 'Shape', ['kept'], { attributes: { start: 0, end: 2 } });
  graph.node('kept.shape', 'Concat', ['kept.dims', 'minus.one'], { attributes: { axis: 0 } });
  return graph.node('chosen', 'Reshape', ['kept', 'flat.shape']);
}
