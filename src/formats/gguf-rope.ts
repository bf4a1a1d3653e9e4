import type { JsonObject } from './bounded-json';

/** What every published Llama 3 uses; files keep only what follows from it. */
const lowFrequencyFactor = 1;
const highFrequencyFactor = 4;
const originalLength = 8192;
/** Of a factor: files keep float32, and the converter computes in it. */
const tolerance = 1e-4;

/**
 * The `rope_scaling` of a Llama 3 config, from the divisors of the frequencies that llama.cpp's
 * converter makes of it.
 *
 * @param factors one for every pair of a head's values, the fastest first
 * @returns undefined when they are not those of a Llama 3 scaling, such as all ones
 */
export function llama3Scaling(
  factors: Float32Array,
  theta: number,
  headSize: number,
): JsonObject | undefined {
  const factor = Number((factors.at(-1) ?? 1).toPrecision(6));
  const fits = factors.every((stored, index) => {
    const expected = divisorOf(2 * Math.PI * theta ** ((2 * index) / headSize), factor);
    return Math.abs(stored - expected) <= tolerance * expected;
  });
  if (!fits || factor === 1) return undefined;
  return {
    rope_type: 'llama3',
    factor,
    low_freq_factor: lowFrequencyFactor,
    high_freq_factor: highFrequencyFactor,
    original_max_position_embeddings: originalLength,
  };
}

/** By how much a frequency is divided: not when it is fast, by `factor` when it is slow. */
function divisorOf(wavelength: number, factor: number): number {
  if (wavelength < originalLength / highFrequencyFactor) return 1;
  if (wavelength > originalLength / lowFrequencyFactor) return factor;
  const smooth =
    (originalLength / wavelength - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor);
  return 1 / ((1 - smooth) / factor + smooth);
}
