import type { DecoderConfig } from './decoder-config';

/** Cosines and sines of rotary position embedding, each `[positions, headSize / 2]`. */
export interface RopeTables {
  readonly positionCount: number;
  readonly cosines: Float32Array<ArrayBuffer>;
  readonly sines: Float32Array<ArrayBuffer>;
}

/**
 * Angles position · inverse frequency, computed in float64 and rounded once. PyTorch rounds the
 * frequencies to float32 first, so entries differ by up to position · 6e-8: 2e-5 at 256 positions.
 */
export function ropeTables(config: DecoderConfig, positionCount: number): RopeTables {
  const half = config.headSize / 2;
  const frequencies = inverseFrequencies(config);
  const cosines = new Float32Array(positionCount * half);
  const sines = new Float32Array(positionCount * half);
  for (let position = 0; position < positionCount; position++) {
    for (let pair = 0; pair < half; pair++) {
      const angle = position * (frequencies[pair] ?? 0);
      cosines[position * half + pair] = Math.cos(angle);
      sines[position * half + pair] = Math.sin(angle);
    }
  }
  return { positionCount, cosines, sines };
}

/**
 * theta^(-2i/d), stretched for Llama 3.1 when the config says so: long waves by `factor`, short ones
 * not at all, a linear blend between (transformers 5, `_compute_llama3_parameters`).
 */
export function inverseFrequencies(config: DecoderConfig): Float64Array {
  const half = config.headSize / 2;
  const plain = Float64Array.from(
    { length: half },
    (_, pair) => config.ropeTheta ** (-pair / half),
  );
  const scaling = config.ropeScaling;
  if (scaling === undefined) return plain;
  const { factor, lowFrequencyFactor: low, highFrequencyFactor: high } = scaling;
  return plain.map((frequency) => {
    const turns = (scaling.originalMaxPositions * frequency) / (2 * Math.PI);
    if (turns < low) return frequency / factor;
    if (turns > high) return frequency;
    const smooth = (turns - low) / (high - low);
    return (1 - smooth) * (frequency / factor) + smooth * frequency;
  });
}
