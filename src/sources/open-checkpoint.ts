import { LabError } from '../core/errors';
import type {
  Allocate,
  ByteRange,
  CheckpointReader,
  TensorInfo,
} from '../formats/checkpoint-reader';
import {
  headerJsonSize,
  parseSafetensorsHeader,
  type SafetensorsEntry,
  type SafetensorsHeader,
} from '../formats/safetensors-header';
import { indexFileName, parseSafetensorsIndex } from '../formats/safetensors-index';
import { quoted } from '../formats/text';
import type { ModelFile, ModelFiles } from './model-files';
import { checkRange, missingFile } from './read-range';

/** Enough for the header of a small model, so that one read serves length and JSON. */
const firstReadBytes = 64 << 10;

/** A checkpoint whose headers were read and checked; its weights are not read yet. */
export interface OpenCheckpoint extends CheckpointReader {
  /** The `__metadata__` of the first file. */
  readonly metadata: ReadonlyMap<string, string>;
  /** The output head is absent, so the input embedding stands for it. */
  readonly lacksHead: boolean;
}

/** A tensor and the file it lies in. */
interface PlacedTensor {
  readonly entry: SafetensorsEntry;
  readonly file: ModelFile;
}

/**
 * Opens `model.safetensors`, or the shards that `model.safetensors.index.json` names, or else the
 * folder's only safetensors file, and reads their headers only. Tensors come in the order of the
 * file, or of the index.
 *
 * @throws LabError `source/missing-file`, and every code of `parseSafetensorsHeader`
 */
export async function openCheckpoint(
  files: ModelFiles,
  signal?: AbortSignal,
): Promise<OpenCheckpoint> {
  const single = files.files.get('model.safetensors');
  const index = files.files.get(indexFileName);
  if (single !== undefined) return openWeights(files.label, single, signal);
  if (index !== undefined) return openShards(files, index, signal);
  const lone = loneWeights(files);
  if (lone === undefined) throw noWeights(files);
  return openWeights(files.label, lone, signal);
}

/**
 * Opens one safetensors file under any name.
 * @param label names the model in messages
 * @throws LabError every code of `parseSafetensorsHeader`
 */
export async function openWeights(
  label: string,
  file: ModelFile,
  signal?: AbortSignal,
): Promise<OpenCheckpoint> {
  const header = await readSafetensorsHeader(file, `${label}/${file.path}`, signal);
  const placed = [...header.tensors.values()].map((entry) => ({ entry, file }));
  return new PlacedCheckpoint(label, placed, header.metadata);
}

function noWeights(files: ModelFiles): LabError {
  const missing = missingFile(files.label, 'model.safetensors');
  if (!files.files.has('adapter_config.json')) return missing;
  return new LabError(
    missing.code,
    `The folder ${quoted(files.label)} holds an adapter, not a model; write MODEL+ADAPTER with the model that it was trained on.`,
    { details: missing.details },
  );
}

/** The only safetensors file of a folder, such as one that was downloaded by itself. */
function loneWeights(files: ModelFiles): ModelFile | undefined {
  const found = [...files.files.values()].filter(
    ({ path }) => path.endsWith('.safetensors') && path !== 'adapter_model.safetensors',
  );
  return found.length === 1 ? found[0] : undefined;
}

async function openShards(
  files: ModelFiles,
  indexFile: ModelFile,
  signal: AbortSignal | undefined,
): Promise<OpenCheckpoint> {
  const indexName = `${files.label}/${indexFile.path}`;
  const indexBytes = await indexFile.read(0, indexFile.sizeBytes, signal);
  const index = parseSafetensorsIndex(indexBytes, indexName);
  const shards = new Map<string, { file: ModelFile; header: SafetensorsHeader }>();
  for (const path of index.shardPaths) {
    const file = files.files.get(path);
    if (file === undefined) throw missingFile(files.label, `shard ${path}`);
    const header = await readSafetensorsHeader(file, `${files.label}/${path}`, signal);
    shards.set(path, { file, header });
  }
  for (const [tensor, path] of index.shardOf) {
    if (shards.get(path)?.header.tensors.has(tensor) !== true) {
      throw new LabError(
        'format/bad-index',
        `${indexName} says that ${quoted(path)} holds tensor ${quoted(tensor)}, but it does not; download the model again.`,
        { details: { file: indexName, tensor, shard: path } },
      );
    }
  }
  // Shard by shard, for whoever reads them in this order: an index sorts names across shards.
  const placed: PlacedTensor[] = [];
  for (const [path, { file, header }] of shards) {
    for (const entry of header.tensors.values()) {
      if (index.shardOf.get(entry.name) === path) placed.push({ entry, file });
    }
  }
  const metadata = shards.values().next().value?.header.metadata ?? new Map<string, string>();
  return new PlacedCheckpoint(files.label, placed, metadata);
}

/**
 * Reads and checks the header of one safetensors file: one read for a small model, two for others.
 * @throws LabError as `parseSafetensorsHeader`
 */
export async function readSafetensorsHeader(
  file: ModelFile,
  fileName: string,
  signal?: AbortSignal,
): Promise<SafetensorsHeader> {
  const first = await file.read(0, Math.min(firstReadBytes, file.sizeBytes), signal);
  const jsonSizeBytes = headerJsonSize(first, file.sizeBytes, fileName);
  const end = 8 + jsonSizeBytes;
  const json =
    end <= first.byteLength ? first.subarray(8, end) : await file.read(8, jsonSizeBytes, signal);
  return parseSafetensorsHeader(json, file.sizeBytes, fileName);
}

class PlacedCheckpoint implements OpenCheckpoint {
  readonly label: string;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: ReadonlyMap<string, string>;
  readonly lacksHead: boolean;
  readonly #placed: ReadonlyMap<string, PlacedTensor>;

  constructor(
    label: string,
    placed: readonly PlacedTensor[],
    metadata: ReadonlyMap<string, string>,
  ) {
    this.label = label;
    this.metadata = metadata;
    this.#placed = new Map(placed.map((tensor) => [tensor.entry.name, tensor]));
    this.tensors = new Map(
      placed.map(({ entry: { name, dtype, shape, sizeBytes } }) => [
        name,
        { name, dtype, shape, sizeBytes },
      ]),
    );
    this.lacksHead = !this.tensors.has('lm_head.weight');
  }

  async read(
    name: string,
    range?: ByteRange,
    signal?: AbortSignal,
    allocate?: Allocate,
  ): Promise<Uint8Array> {
    const tensor = this.#placed.get(name);
    if (tensor === undefined) {
      throw new LabError(
        'format/bad-index',
        `The model ${quoted(this.label)} has no tensor ${quoted(name)}; choose models of one architecture.`,
        { details: { model: this.label, tensor: name } },
      );
    }
    const { offsetBytes, lengthBytes } = range ?? {
      offsetBytes: 0,
      lengthBytes: tensor.entry.sizeBytes,
    };
    const tensorName = `Tensor ${quoted(name)} of ${this.label}`;
    checkRange(tensorName, tensor.entry.sizeBytes, offsetBytes, lengthBytes);
    const fileOffsetBytes = tensor.entry.beginBytes + offsetBytes;
    return tensor.file.read(fileOffsetBytes, lengthBytes, signal, allocate);
  }
}
