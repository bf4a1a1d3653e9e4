import { mkdir, open, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { elementCountOf } from '../../src/core/dtype';
import { hashText32 } from '../../src/core/random';
import type { SliceInputs } from '../../src/expr/backend';
import { add, f32, mul, random01, specialistAt } from '../../src/expr/build';
import type { Expr } from '../../src/expr/expr';
import { layOutSafetensors } from '../../src/formats/safetensors-writer';
import { WasmBackend } from '../../src/wasm/wasm-backend';
import type { LlamaSize } from './llama-shapes';
import { llamaConfig, llamaShapes, llamaTensors } from './llama-shapes';

/** Spread of the base's matrices and of what fine-tuning adds, about that of small Llamas. */
const weightSpread = 0.04;
const deltaSpread = 4e-4;
const sliceElements = 4 << 20;

/** Nearly normal: a sum of four uniform numbers (Irwin and Hall), from one hash. */
function noise(spread: number): Expr<'f32'> {
  const sum = add(add(random01(0), random01(1)), add(random01(2), random01(3)));
  return mul(add(sum, f32(-2)), f32(spread * Math.sqrt(3)));
}

const matrixOfBase = noise(weightSpread);
const vectorOfBase = add(f32(1), noise(weightSpread));
const tuned = add(specialistAt(0), noise(deltaSpread));

/** Names of the folders: `base`, then `tuned-1` and so on. */
export function modelNames(modelCount: number): string[] {
  return Array.from({ length: modelCount }, (_, index) =>
    index === 0 ? 'base' : `tuned-${index}`,
  );
}

/**
 * Writes a base and its fine-tuned siblings as checkpoints in bf16: one folder a model with
 * `config.json` and `model.safetensors`. Equal seeds give equal bytes.
 */
export async function writeModels(
  folder: string,
  size: LlamaSize,
  modelCount: number,
  seed: number,
): Promise<void> {
  const shapes = llamaShapes[size];
  const layout = layOutSafetensors(
    llamaTensors(shapes).map((tensor) => ({ ...tensor, dtype: 'BF16' as const })),
  );
  const backend = new WasmBackend();
  const files: FileHandle[] = [];
  try {
    for (const name of modelNames(modelCount)) {
      await mkdir(join(folder, name), { recursive: true });
      const config = `${JSON.stringify(llamaConfig(shapes), null, 2)}\n`;
      await writeFile(join(folder, name, 'config.json'), config);
      const file = await open(join(folder, name, 'model.safetensors'), 'w');
      files.push(file);
      await file.writeFile(layout.header);
    }
    for (const { name, shape } of layout.entries) {
      const elementCount = elementCountOf(shape);
      for (let first = 0; first < elementCount; first += sliceElements) {
        const count = Math.min(sliceElements, elementCount - first);
        await writeSlice(backend, files, seed, {
          tensorName: name,
          tensorKey: hashText32(name),
          firstElement: first,
          elementCount: count,
          specialists: [{ dtype: 'BF16', bytes: new Uint8Array(2 * count) }],
          isVector: shape.length === 1,
        });
      }
    }
  } finally {
    backend.dispose();
    for (const file of files) await file.close();
  }
}

async function writeSlice(
  backend: WasmBackend,
  [baseFile, ...tunedFiles]: readonly FileHandle[],
  seed: number,
  { isVector, ...place }: SliceInputs & { readonly isVector: boolean },
): Promise<void> {
  const numbers = { scalars: {}, perModel: {} };
  const empty = await backend.load(place);
  const output = isVector ? vectorOfBase : matrixOfBase;
  const bytes = await backend.map(empty, output, { seed, ...numbers }, 'BF16');
  backend.release(empty);
  const slice = await backend.load({ ...place, specialists: [{ dtype: 'BF16', bytes }] });
  let writing: Promise<unknown> = baseFile?.writeFile(bytes) ?? Promise.resolve();
  for (const [model, file] of tunedFiles.entries()) {
    const values = { seed: seed + 1 + model, ...numbers };
    const tunedBytes = await backend.map(slice, tuned, values, 'BF16');
    // One write at a time, while the next slice is being drawn.
    await writing;
    writing = file.writeFile(tunedBytes);
  }
  await writing;
  backend.release(slice);
}
