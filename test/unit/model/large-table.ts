import { tensorShapes, tinyConfig, tinyWeights, type TinyConfig } from './tiny-model';

/**
 * The tiny model with the smallest embedding table that q4 stores in 4 bits. Rows have 3 blocks, whose
 * zero points fill a byte and a half.
 */
export const largeTableConfig: TinyConfig = {
  ...tinyConfig,
  vocab_size: Math.ceil(2 ** 25 / tinyConfig.hidden_size),
};

/** The weights of `tinyWeights`; rows of the small table come again, each longer or shorter. */
export function largeTableWeights(): Map<string, Float32Array> {
  const name = 'model.embed_tokens.weight';
  const weights = tinyWeights(tinyConfig, 1);
  const small = weights.get(name) ?? new Float32Array(0);
  const [rows = 0, columns = 0] = tensorShapes(largeTableConfig).get(name) ?? [];
  const table = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const factor = 0.5 + ((row * 40_503) % 65_536) / 65_536;
    const from = (row % tinyConfig.vocab_size) * columns;
    for (let column = 0; column < columns; column++) {
      table[row * columns + column] = (small[from + column] ?? 0) * factor;
    }
  }
  return weights.set(name, table);
}
