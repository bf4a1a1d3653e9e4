import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { elementCountOf, isFloatDtype } from '../../src/core/dtype';
import { decodeFloats } from '../../src/expr/decode';
import type { CheckpointReader } from '../../src/formats/checkpoint-reader';
import { encodeSafetensors } from '../../src/formats/safetensors-writer';
import { openNodeFolder } from '../../src/sources/node-folder';
import { openCheckpoint } from '../../src/sources/open-checkpoint';

/**
 * Writes what a model of the zoo changed of the base's linear layers as a PEFT adapter of full rank: B
 * is the difference, A the identity.
 */
export async function writeAdapter(folder: string, model: string): Promise<void> {
  const folders = [await openZoo('base'), await openZoo(model)] as const;
  const [base, tuned] = [await openCheckpoint(folders[0]), await openCheckpoint(folders[1])];
  const rank: Record<string, number> = {};
  const tensors: Parameters<typeof encodeSafetensors>[0][number][] = [];
  for (const { name, shape } of base.tensors.values()) {
    const [outCount = 0, inCount = 0] = shape;
    if (!name.endsWith('_proj.weight')) continue;
    const module = name.slice(0, -'.weight'.length);
    rank[module] = inCount;
    const before = await floatsOf(base, name);
    const up = (await floatsOf(tuned, name)).map((value, index) => value - (before[index] ?? 0));
    const down = new Float32Array(inCount * inCount);
    for (let row = 0; row < inCount; row++) down[row * inCount + row] = 1;
    const add = (letter: string, own: readonly number[], values: Float32Array): void => {
      const bytes = new Uint8Array(values.buffer as ArrayBuffer);
      const full = `base_model.model.${module}.lora_${letter}.weight`;
      tensors.push({ name: full, dtype: 'F32', shape: own, bytes });
    };
    add('A', [inCount, inCount], down);
    add('B', [outCount, inCount], up);
  }
  await Promise.all(folders.map(async (files) => files.close()));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'adapter_model.safetensors'), encodeSafetensors(tensors));
  const config = { peft_type: 'LORA', r: 1, lora_alpha: 1, base_model_name_or_path: 'zoo/base' };
  writeFileSync(
    join(folder, 'adapter_config.json'),
    JSON.stringify({ ...config, rank_pattern: rank, alpha_pattern: rank }),
  );
}

async function openZoo(id: string): ReturnType<typeof openNodeFolder> {
  return openNodeFolder(join('public/zoo', id), id);
}

async function floatsOf(reader: CheckpointReader, name: string): Promise<Float32Array> {
  const info = reader.tensors.get(name);
  if (info === undefined || !isFloatDtype(info.dtype)) throw new Error(`there is a weight ${name}`);
  const values = new Float32Array(elementCountOf(info.shape));
  decodeFloats({ dtype: info.dtype, bytes: await reader.read(name) }, 0, values);
  return values;
}
