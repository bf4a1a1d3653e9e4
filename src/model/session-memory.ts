import { LabError } from '../core/errors';
import { quoted } from '../formats/text';
import type { WeightEncoding } from './weight-plan';

/** What a WebAssembly module of 32 bits can address. */
const addressableBytes = 2 ** 32;

/**
 * What a session takes beside its weights at most: the runtime, one matrix widened, logits, and the
 * keys and values of a batch. Measured in 4 bits with the shapes of Gemma-2-2B: 0.2 GB to write a reply,
 * 0.7 GB to write seven at once.
 */
const workingBytes = 800_000_000;

/** fp32 is the fastest encoding on WebAssembly, where quantised weights are widened at every call. */
const fp32UpToParameters = 250_000_000;
/** In 8 bits these take 2.3 GB. */
const q8UpToParameters = 2_000_000_000;

/** Bytes a parameter, with the scales of quantised ones. */
const parameterBytes = { fp32: 4, fp16: 2, q8: 1.125, q4: 0.58 } as const;

/** The encoding in which a model of this size is run and scored on WebAssembly. */
export function encodingFor(parameterCount: number): WeightEncoding {
  if (parameterCount <= fp32UpToParameters) return 'fp32';
  return parameterCount <= q8UpToParameters ? 'q8' : 'q4';
}

/** About what a model's weights take in an encoding. */
export function weightBytes(parameterCount: number, encoding: WeightEncoding): number {
  return parameterCount * parameterBytes[encoding];
}

/** The most memory that a session over so many bytes of weights takes, once it is made. */
export function sessionBytes(ofWeights: number): number {
  return ofWeights + workingBytes;
}

/** Whether such a session fits into WebAssembly's memory. */
export function fitsWebAssembly(ofWeights: number): boolean {
  return sessionBytes(ofWeights) <= addressableBytes;
}

/** @throws LabError `model/too-large` before anything of a model is read */
export function checkFits(label: string, ofWeights: number, encoding: WeightEncoding): void {
  if (fitsWebAssembly(ofWeights)) return;
  const [needed, limit] = [sessionBytes(ofWeights), addressableBytes].map((bytes) =>
    (bytes / 1e9).toFixed(1),
  );
  const advice =
    encoding === 'q4'
      ? 'choose a smaller model'
      : 'run it in 4 bits (q4), or choose a smaller model';
  throw new LabError(
    'model/too-large',
    `${quoted(label)} needs ${needed} GB of memory to run in ${encoding}, and WebAssembly has ${limit}; ${advice}.`,
    { details: { model: label, weightBytes: ofWeights, dtype: encoding } },
  );
}
