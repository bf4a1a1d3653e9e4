import { ProgressMeter, type LongTask } from '../core/progress';
import type { MergeBackend } from '../expr/backend';
import { sha256Stream, type StreamHash } from '../formats/hashes';
import { formatSafetensorsIndex, indexFileName } from '../formats/safetensors-index';
import { writeRecipe } from '../recipe/write-recipe';
import type { ModelFile } from '../sources/model-files';
import { throwFirstError } from './finding';
import { modelCard, type CardScore } from './model-card';
import { changedConfigFile } from './output-config';
import type { MergePlan } from './plan';
import { pulled } from './pulled';
import { MergeRun } from './run-merge';
import { defaultShardBytes, layOutShards, type Shard } from './shards';

/** One file of a merged checkpoint. */
export interface OutputFile {
  /** Relative to the output folder. */
  readonly path: string;
  /** Known before a byte exists. */
  readonly sizeBytes: number;
  /** The bytes in order; weights are merged as they are asked for. Call it once. */
  stream(): AsyncIterable<Uint8Array>;
}

export interface OutputOptions extends LongTask {
  /** The merge's name, usually that of its folder; the model card's title. */
  readonly title: string;
  /** The recipe as it was written, kept byte for byte; else it is written anew. */
  readonly recipeText?: string | undefined;
  /** As `layOutShards`; mergekit's default, 5 GB. */
  readonly maxShardBytes?: number | undefined;
  /** What was measured of the merge, for its card. */
  readonly scores?: readonly CardScore[] | undefined;
  /** A faster SHA-256 than the one in WebAssembly, where there is one. */
  readonly createHash?: (() => StreamHash) | undefined;
}

const copyPieceBytes = 4 << 20;
/** Stands in the card until a file was hashed; of the same length, so that the size is known. */
const unknownHash = '0'.repeat(64);

/** What a loader needs beside weights and config: mergekit's list and the older tokenizers' files. */
const copiedPaths = [
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'tokenizer.model',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'merges.txt',
  'chat_template.jinja',
  'chat_template.json',
];

/**
 * The files of a merged checkpoint in Hugging Face layout: small ones, then the weights in the order of
 * their shards, last the model card, which states the SHA-256 of the weights. All of them together are
 * one merge: consume them in order, once. Progress is in bytes of output.
 *
 * @throws LabError the first error among the plan's findings; the streams throw as `MergeRun.merge`
 */
export function describeOutput(
  plan: MergePlan,
  backend: MergeBackend,
  options: OutputOptions,
): OutputFile[] {
  throwFirstError(plan.findings);
  const { donor } = plan;
  const recipeText = options.recipeText ?? writeRecipe(plan.merge.recipe);
  const shards = layOutShards(plan.tensors, options.maxShardBytes ?? defaultShardBytes);
  const copied = copiedPaths.flatMap((path) => donor.files.files.get(path) ?? []);
  const small = [
    ...configFile(plan),
    ...copied.map((file) => copiedFile(file, options.signal)),
    textFile('mergekit_config.yml', recipeText),
    ...(shards.length === 1 ? [] : [indexFile(shards)]),
  ];
  const run = new MergeRun(plan, backend);
  const weightBytes = shards.reduce((sum, { layout }) => sum + layout.fileSizeBytes, 0);
  // Made at the first byte, so that the rate does not count the time before.
  let meter: ProgressMeter | undefined;
  const count = (bytes: Uint8Array): Uint8Array => {
    meter ??= new ProgressMeter('Merging', weightBytes, 'bytes', options.onProgress);
    meter.advance(bytes.byteLength);
    return bytes;
  };
  const hashes = new Map(shards.map(({ path }) => [path, unknownHash]));
  const weights = shards.map((shard) => shardFile(shard, run, { count, hashes, options }));
  const { title, scores } = options;
  const card = lateTextFile('README.md', () =>
    modelCard(plan, { title, recipeText, device: backend.device, hashes, scores }),
  );
  return [...small, ...weights, card];
}

/** What the shards of one output share. */
interface ShardWork {
  readonly count: (bytes: Uint8Array) => Uint8Array;
  /** By path; set when a shard is done. */
  readonly hashes: Map<string, string>;
  readonly options: OutputOptions;
}

function shardFile(
  { path, tensors, layout }: Shard,
  run: MergeRun,
  { count, hashes, options }: ShardWork,
): OutputFile {
  return {
    path,
    sizeBytes: layout.fileSizeBytes,
    stream: async function* () {
      const hash = options.createHash?.() ?? (await sha256Stream());
      const passed = (bytes: Uint8Array): Uint8Array => {
        hash.update(bytes);
        return count(bytes);
      };
      yield passed(layout.header);
      const merged = pulled<Uint8Array>(async (emit, signal) => {
        await run.merge(tensors, async (_tensor, bytes) => emit(bytes), { ...options, signal });
      }, options.signal);
      for await (const bytes of merged) yield passed(bytes);
      hashes.set(path, hash.digestHex());
    },
  };
}

function indexFile(shards: readonly Shard[]): OutputFile {
  const shardOf = new Map<string, string>();
  let totalBytes = 0;
  for (const { path, tensors } of shards) {
    for (const tensor of tensors) {
      shardOf.set(tensor.name, path);
      totalBytes += tensor.sizeBytes;
    }
  }
  return textFile(indexFileName, formatSafetensorsIndex(shardOf, totalBytes));
}

function configFile(plan: MergePlan): readonly OutputFile[] {
  const config = changedConfigFile(plan);
  if (config === undefined) return [];
  return [typeof config === 'string' ? textFile('config.json', config) : copiedFile(config)];
}

function copiedFile(file: ModelFile, signal?: AbortSignal): OutputFile {
  const { path, sizeBytes } = file;
  return {
    path,
    sizeBytes,
    stream: async function* () {
      for (let offsetBytes = 0; offsetBytes < sizeBytes; offsetBytes += copyPieceBytes) {
        const lengthBytes = Math.min(copyPieceBytes, sizeBytes - offsetBytes);
        yield await file.read(offsetBytes, lengthBytes, signal);
      }
    },
  };
}

function textFile(path: string, text: string): OutputFile {
  return lateTextFile(path, () => text);
}

/** A text that is known when its turn comes; its size is known from the beginning. */
function lateTextFile(path: string, textOf: () => string): OutputFile {
  const encoder = new TextEncoder();
  return {
    path,
    sizeBytes: encoder.encode(textOf()).byteLength,
    // eslint-disable-next-line @typescript-eslint/require-await -- one shape for all files
    stream: async function* () {
      yield encoder.encode(textOf());
    },
  };
}
