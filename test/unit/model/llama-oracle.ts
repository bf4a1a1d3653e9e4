import type { TinyConfig } from './tiny-model';

/**
 * Llama's forward pass written out in float64, one token after another, after
 * `modeling_llama.py` of transformers 5. Slow and plain: the oracle of graph tests.
 *
 * @param frequencies inverse rotary frequencies, headSize / 2 of them
 * @returns logits after every token, `[tokens][vocabulary]`
 */
export function llamaOracle(
  config: TinyConfig,
  weights: ReadonlyMap<string, Float32Array>,
  frequencies: readonly number[],
  tokens: readonly number[],
): number[][] {
  const weight = (name: string): Float32Array => {
    const values = weights.get(`${name}.weight`);
    if (values === undefined) throw new Error(`no ${name}`);
    return values;
  };
  const hidden = config.hidden_size;
  const headSize = config.head_dim;
  const groupSize = config.num_attention_heads / config.num_key_value_heads;
  const embedding = weight('model.embed_tokens');
  const keys: number[][][] = [];
  const values: number[][][] = [];
  return tokens.map((token, position) => {
    let x = Array.from(embedding.subarray(token * hidden, (token + 1) * hidden));
    for (let layer = 0; layer < config.num_hidden_layers; layer++) {
      const prefix = `model.layers.${String(layer)}`;
      const normed = rmsNorm(x, weight(`${prefix}.input_layernorm`), config.rms_norm_eps);
      const project = (part: string): number[] =>
        multiply(weight(`${prefix}.self_attn.${part}_proj`), normed);
      const queries = rotateHeads(project('q'), headSize, position, frequencies);
      (keys[layer] ??= []).push(rotateHeads(project('k'), headSize, position, frequencies));
      (values[layer] ??= []).push(project('v'));
      const attended: number[] = [];
      for (let head = 0; head < config.num_attention_heads; head++) {
        const query = queries.slice(head * headSize, (head + 1) * headSize);
        const start = Math.floor(head / groupSize) * headSize;
        const scores = (keys[layer] ?? []).map(
          (key) => dot(query, key.slice(start, start + headSize)) / Math.sqrt(headSize),
        );
        const shares = softmax(scores);
        for (let column = start; column < start + headSize; column++) {
          attended.push(
            dot(
              shares,
              (values[layer] ?? []).map((value) => value[column] ?? NaN),
            ),
          );
        }
      }
      x = add(x, multiply(weight(`${prefix}.self_attn.o_proj`), attended));
      const second = rmsNorm(x, weight(`${prefix}.post_attention_layernorm`), config.rms_norm_eps);
      const gate = multiply(weight(`${prefix}.mlp.gate_proj`), second);
      const up = multiply(weight(`${prefix}.mlp.up_proj`), second);
      const gated = gate.map(
        (value, index) => (value / (1 + Math.exp(-value))) * (up[index] ?? NaN),
      );
      x = add(x, multiply(weight(`${prefix}.mlp.down_proj`), gated));
    }
    const head = config.tie_word_embeddings ? embedding : weight('lm_head');
    return multiply(head, rmsNorm(x, weight('model.norm'), config.rms_norm_eps));
  });
}

function rmsNorm(x: readonly number[], weight: Float32Array, epsilon: number): number[] {
  const scale = 1 / Math.sqrt(dot(x, x) / x.length + epsilon);
  return x.map((value, index) => value * scale * (weight[index] ?? NaN));
}

/** Rows of `matrix` times x. */
function multiply(matrix: Float32Array, x: readonly number[]): number[] {
  const rows = matrix.length / x.length;
  return Array.from({ length: rows }, (_, row) =>
    x.reduce((sum, value, column) => sum + value * (matrix[row * x.length + column] ?? NaN), 0),
  );
}

function rotateHeads(
  x: readonly number[],
  headSize: number,
  position: number,
  frequencies: readonly number[],
): number[] {
  const half = headSize / 2;
  return x.map((value, index) => {
    const within = index % headSize;
    const angle = position * (frequencies[within % half] ?? NaN);
    const other = within < half ? -(x[index + half] ?? NaN) : (x[index - half] ?? NaN);
    return value * Math.cos(angle) + other * Math.sin(angle);
  });
}

function softmax(scores: readonly number[]): number[] {
  const highest = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - highest));
  const total = weights.reduce((sum, value) => sum + value, 0);
  return weights.map((value) => value / total);
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? NaN), 0);
}

function add(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, index) => value + (b[index] ?? NaN));
}
