/** Rows of tokens for one run of a decoder, padded on the right. */
export interface TokenBatch {
  readonly batchSize: number;
  /** Tokens a row in this run, padding included. */
  readonly length: number;
  /** Tokens of the longest row with everything in the cache. */
  readonly totalLength: number;
  /** `[batch, length]`. */
  readonly ids: BigInt64Array<ArrayBuffer>;
  /** `[batch, totalLength]`: ones, then zeros. */
  readonly mask: BigInt64Array<ArrayBuffer>;
  /** Positions whose logits are wanted, as indices into batch · length. */
  readonly logitRows: BigInt64Array<ArrayBuffer>;
}

/**
 * A first run over whole rows. Grouped-query attention takes the number of valid tokens a row, so
 * padding on the right changes nothing (checked to equal one-by-one runs exactly on wasm).
 *
 * @param positions which positions of each row get logits; by default its last
 */
export function startBatch(
  rows: readonly (readonly number[])[],
  positions?: readonly (readonly number[])[],
): TokenBatch {
  const length = Math.max(...rows.map((row) => row.length));
  const ids = new BigInt64Array(rows.length * length);
  const mask = new BigInt64Array(rows.length * length);
  const logitRows: bigint[] = [];
  rows.forEach((row, index) => {
    const start = index * length;
    row.forEach((token, at) => {
      ids[start + at] = BigInt(token);
    });
    mask.fill(1n, start, start + row.length);
    for (const position of positions?.[index] ?? [row.length - 1]) {
      logitRows.push(BigInt(start + position));
    }
  });
  const batchSize = rows.length;
  return {
    batchSize,
    length,
    totalLength: length,
    ids,
    mask,
    logitRows: BigInt64Array.from(logitRows),
  };
}

/**
 * One more token a row.
 * @param lengths tokens of each row, the new one included
 */
export function nextBatch(tokens: readonly number[], lengths: readonly number[]): TokenBatch {
  const totalLength = Math.max(...lengths);
  const mask = new BigInt64Array(lengths.length * totalLength);
  lengths.forEach((length, row) => {
    mask.fill(1n, row * totalLength, row * totalLength + length);
  });
  return {
    batchSize: tokens.length,
    length: 1,
    totalLength,
    ids: BigInt64Array.from(tokens, (token) => BigInt(token)),
    mask,
    logitRows: BigInt64Array.from(tokens, (_, row) => BigInt(row)),
  };
}
