import { mkdir, open, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { elementCountOf } from '../../src/core/dtype';
import { layOutSafetensors } from '../../src/formats/safetensors-writer';
import { WasmBackend } from '../../src/wasm/wasm-backend';
import type { WeightsPlace } from './draw-weights';
import { drawWeights } from './draw-weights';
import type { LlamaSize } from './llama-shapes';
import { llamaConfig, llamaShapes, llamaTensors } from './llama-shapes';

const sliceElements = 4 << 20;

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
      const tensorElements = elementCountOf(shape);
      for (let first = 0; first < tensorElements; first += sliceElements) {
        const place: WeightsPlace = {
          tensorName: name,
          isVector: shape.length === 1,
          firstElement: first,
          elementCount: Math.min(sliceElements, tensorElements - first),
        };
        await writeSlice(backend, files, place, seed);
      }
    }
  } finally {
    backend.dispose();
    for (const file of files) await file.close();
  }
}

async function writeSlice(
  backend: WasmBackend,
  files: readonly FileHandle[],
  place: WeightsPlace,
  seed: number,
): Promise<void> {
  let writing: Promise<unknown> = Promise.resolve();
  let model = 0;
  for await (const bytes of drawWeights(backend, place, files.length, seed)) {
    // One write at a time, while the next model is being drawn.
    await writing;
    writing = files[model++]?.writeFile(bytes) ?? Promise.resolve();
  }
  await writing;
}
