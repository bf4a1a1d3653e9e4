import { LabError } from '../core/errors';

/**
 * The index of the greatest logit of one row, the first of equals as in PyTorch's argmax.
 *
 * @param label names the model in the error sentence
 * @throws LabError `model/bad-output` when the row holds a NaN or an infinity, or only zeros, which
 *   no trained model gives and broken kernels do
 */
export function greedyToken(
  logits: Float32Array,
  row: number,
  vocabularySize: number,
  label: string,
): number {
  const start = row * vocabularySize;
  let best = 0;
  let highest = -Infinity;
  let lowest = Infinity;
  let finite = 0;
  for (let token = 0; token < vocabularySize; token++) {
    const value = logits[start + token] ?? NaN;
    if (value > highest) {
      highest = value;
      best = token;
    }
    if (value < lowest) lowest = value;
    // 0 · NaN and 0 · Infinity are NaN, and NaN stays.
    finite += 0 * value;
  }
  if (finite !== 0) throw badOutput(label, 'values that are not finite');
  if (highest === 0 && lowest === 0) throw badOutput(label, 'only zeros');
  return best;
}

/** Checks every row of `logits`. @throws LabError `model/bad-output` */
export function checkLogits(logits: Float32Array, vocabularySize: number, label: string): void {
  const rows = logits.length / vocabularySize;
  for (let row = 0; row < rows; row++) greedyToken(logits, row, vocabularySize, label);
}

function badOutput(label: string, found: string): LabError {
  return new LabError(
    'model/bad-output',
    `The logits of ${label} are ${found}; its weights or coefficients are too large or damaged, so try smaller coefficients or another back end.`,
    { details: { model: label } },
  );
}
