import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { elementCountOf } from '../../src/core/dtype';
import { hashText32 } from '../../src/core/random';
import {
  formatSafetensorsIndex,
  indexFileName,
  shardFileName,
} from '../../src/formats/safetensors-index';
import { layOutSafetensors, type SafetensorsLayout } from '../../src/formats/safetensors-writer';
import type { ModelFile, ModelFiles } from '../../src/sources/model-files';
import { checkRange } from '../../src/sources/read-range';
import { configOf, modelShapes, tensorsOf, type ModelSize, type TensorShape } from './model-shapes';
import { copyRepeated, drawTiles, type WeightTiles } from './weight-tile';

/** As transformers splits. */
const maxShardBytes = 5_000_000_000;
/** Pages of a file hold weights or nothing but zeros, which a file system need not store. */
export const pageBytes = 1 << 20;

/** The zoo's tokenizer fills the first ids of any vocabulary, so that the models can be spoken to. */
const zooBase = join(import.meta.dirname, '..', '..', 'public', 'zoo', 'base');
const tokenizerPaths = ['tokenizer.json', 'tokenizer_config.json'];

/** One shard of a layout that all models of a family share. */
interface Shard {
  readonly path: string;
  readonly layout: SafetensorsLayout;
}

export interface FamilyOptions {
  readonly size: ModelSize;
  readonly modelCount: number;
  readonly seed: number;
  /** Share of pages with weights, the same pages in every model; all by default. */
  readonly filled01?: number;
}

/**
 * A checkpoint in Hugging Face layout whose bytes are computed as they are read: it takes no disk and
 * 8 MB of memory, whatever its size. Equal seeds give equal bytes.
 */
export class SyntheticModel implements ModelFiles {
  readonly label: string;
  readonly files: ReadonlyMap<string, ModelFile>;
  readonly #tiles: WeightTiles;
  readonly #filled01: number;

  constructor(
    label: string,
    tiles: WeightTiles,
    texts: ReadonlyMap<string, string>,
    shards: readonly Shard[],
    filled01: number,
  ) {
    this.label = label;
    this.#tiles = tiles;
    this.#filled01 = filled01;
    const files = new Map<string, ModelFile>();
    for (const [path, text] of texts) files.set(path, textFile(path, text));
    for (const shard of shards) files.set(shard.path, this.#shardFile(shard));
    this.files = files;
  }

  /** Whether the page of a shard that begins at this byte holds weights; the first one does. */
  isFilled(path: string, offsetBytes: number): boolean {
    const page = Math.floor(offsetBytes / pageBytes);
    if (page === 0 || this.#filled01 >= 1) return true;
    return hashText32(`${path}/${page}`) < this.#filled01 * 2 ** 32;
  }

  #shardFile({ path, layout }: Shard): ModelFile {
    return {
      path,
      sizeBytes: layout.fileSizeBytes,
      read: async (offsetBytes, lengthBytes, signal, allocate) => {
        signal?.throwIfAborted();
        checkRange(`${this.label}/${path}`, layout.fileSizeBytes, offsetBytes, lengthBytes);
        const bytes = allocate?.(lengthBytes) ?? new Uint8Array(lengthBytes);
        this.#fill(path, layout, offsetBytes, bytes);
        return Promise.resolve(bytes);
      },
    };
  }

  #fill(
    path: string,
    { header, entries }: SafetensorsLayout,
    from: number,
    target: Uint8Array,
  ): void {
    const end = from + target.byteLength;
    if (from < header.byteLength) target.set(header.subarray(from, end));
    for (const { name, shape, beginBytes, sizeBytes } of entries) {
      const low = Math.max(from, beginBytes);
      const high = Math.min(end, beginBytes + sizeBytes);
      if (low >= high) continue;
      const tile = shape.length === 1 ? this.#tiles.vector : this.#tiles.matrix;
      const firstByte = 2 * (hashText32(name) % (tile.byteLength / 2)) + low - beginBytes;
      copyRepeated(tile, firstByte, target.subarray(low - from, high - from));
    }
    if (this.#filled01 >= 1) return;
    for (let page = Math.floor(from / pageBytes) * pageBytes; page < end; page += pageBytes) {
      if (this.isFilled(path, page)) continue;
      target.fill(0, Math.max(0, page - from), Math.min(page + pageBytes, end) - from);
    }
  }
}

/** `base`, `tuned-1`, `tuned-2` and so on: one base and its fine-tuned siblings. */
export async function syntheticFamily(options: FamilyOptions): Promise<SyntheticModel[]> {
  const { size, modelCount, seed, filled01 = 1 } = options;
  const shapes = modelShapes[size];
  const shards = layOut(tensorsOf(shapes));
  const texts = new Map([['config.json', `${JSON.stringify(configOf(shapes), null, 2)}\n`]]);
  if (shards.length > 1) texts.set(indexFileName, indexOf(shards));
  for (const path of tokenizerPaths) texts.set(path, await readFile(join(zooBase, path), 'utf8'));
  const tiles = await drawTiles(modelCount, seed);
  return tiles.map(
    (own, index) => new SyntheticModel(modelName(index), own, texts, shards, filled01),
  );
}

export function modelName(index: number): string {
  return index === 0 ? 'base' : `tuned-${index}`;
}

/** Shards fill up in the order of computation; inside one, tensors stand by name. */
function layOut(tensors: readonly TensorShape[]): Shard[] {
  const groups: TensorShape[][] = [[]];
  let groupBytes = 0;
  for (const tensor of tensors) {
    const sizeBytes = 2 * elementCountOf(tensor.shape);
    if (groupBytes + sizeBytes > maxShardBytes) {
      groups.push([]);
      groupBytes = 0;
    }
    groups.at(-1)?.push(tensor);
    groupBytes += sizeBytes;
  }
  return groups.map((group, index) => ({
    path: shardFileName(index + 1, groups.length),
    layout: layOutSafetensors(
      group
        .map((tensor) => ({ ...tensor, dtype: 'BF16' as const }))
        .sort((left, right) => (left.name < right.name ? -1 : 1)),
    ),
  }));
}

function indexOf(shards: readonly Shard[]): string {
  const places = shards.flatMap(({ path, layout }) =>
    layout.entries.map(({ name, sizeBytes }) => ({ name, path, sizeBytes })),
  );
  places.sort((left, right) => (left.name < right.name ? -1 : 1));
  const totalBytes = places.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return formatSafetensorsIndex(new Map(places.map(({ name, path }) => [name, path])), totalBytes);
}

function textFile(path: string, text: string): ModelFile {
  const bytes = new TextEncoder().encode(text);
  return {
    path,
    sizeBytes: bytes.byteLength,
    read: async (offsetBytes, lengthBytes, signal) => {
      signal?.throwIfAborted();
      checkRange(path, bytes.byteLength, offsetBytes, lengthBytes);
      return Promise.resolve(bytes.slice(offsetBytes, offsetBytes + lengthBytes));
    },
  };
}
