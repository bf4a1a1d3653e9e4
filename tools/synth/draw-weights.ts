import { hashText32 } from '../../src/core/random';
import { add, f32, mul, random01, specialistAt } from '../../src/expr/build';
import type { Expr } from '../../src/expr/expr';
import type { WasmBackend } from '../../src/wasm/wasm-backend';

/** Spread of the base's matrices and of what fine-tuning adds, about that of small Llamas. */
const weightSpread = 0.04;
const deltaSpread = 4e-4;

/** Nearly normal: a sum of four uniform numbers (Irwin and Hall), from one hash. */
function noise(spread: number): Expr<'f32'> {
  const sum = add(add(random01(0), random01(1)), add(random01(2), random01(3)));
  return mul(add(sum, f32(-2)), f32(spread * Math.sqrt(3)));
}

const matrixOfBase = noise(weightSpread);
const vectorOfBase = add(f32(1), noise(weightSpread));
const tuned = add(specialistAt(0), noise(deltaSpread));

/** A run of elements of one tensor. */
export interface WeightsPlace {
  readonly tensorName: string;
  /** Norms lie around 1, matrices around 0. */
  readonly isVector: boolean;
  readonly firstElement: number;
  readonly elementCount: number;
}

/** The weights of the base, then of each of its fine-tuned siblings, in bf16. */
export async function* drawWeights(
  backend: WasmBackend,
  place: WeightsPlace,
  modelCount: number,
  seed: number,
): AsyncGenerator<Uint8Array> {
  const { tensorName, firstElement, elementCount, isVector } = place;
  const valuesOf = (model: number) => ({ seed: seed + model, scalars: {}, perModel: {} });
  const load = (bytes: Uint8Array) =>
    backend.load({
      tensorName,
      tensorKey: hashText32(tensorName),
      firstElement,
      elementCount,
      specialists: [{ dtype: 'BF16', bytes }],
    });
  const empty = await load(new Uint8Array(2 * elementCount));
  const output = isVector ? vectorOfBase : matrixOfBase;
  const base = await backend.map(empty, output, valuesOf(0), 'BF16');
  backend.release(empty);
  yield base;
  const slice = await load(base);
  try {
    for (let model = 1; model < modelCount; model++) {
      yield await backend.map(slice, tuned, valuesOf(model), 'BF16');
    }
  } finally {
    backend.release(slice);
  }
}
