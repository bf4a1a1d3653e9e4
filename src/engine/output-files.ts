import { ProgressMeter, type LongTask } from '../core/progress';
import type { MergeBackend } from '../expr/backend';
import { sha256Stream, type CreateHash } from '../formats/hashes';
import { formatSafetensorsIndex, indexFileName } from '../formats/safetensors-index';
import { writeRecipe } from '../recipe/write-recipe';
import type { ModelFile } from '../sources/model-files';
import { throwFirstError } from './finding';
import { modelCard, type CardScore } from './model-card';
import { changedConfigFile } from './output-config';
import type { MergePlan } from './plan';
import { pulled } from './pulled';
import { MergeRun, type WholeModelNumbers } from './run-merge';
import { defaultShardBytes, layOutShards, type Shard } from './shards';

/** One file of a merged checkpoint. */
export interface OutputFile {
  /** Relative to the output folder. */
  readonly path: string;
  /** Known before a byte exists. */
  readonly sizeBytes: number;
  /** The bytes in order; weights are merged as they are asked for. Call it once. */
  stream(): AsyncIterable<Uint8Array>;
  /**
   * What follows the bytes that an earlier stream of the same plan gave, without making those again.
   * Takes the place of `stream`; absent where the whole file has to be made anew.
   * @param kept those bytes, from the first; all of them are gone through before anything is made
   */
  streamAfter?(kept: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
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
  /** A faster SHA-256 than the one in WebAssembly on this thread, where there is one. */
  readonly createHash?: CreateHash | undefined;
  /** What computes, for the card; the back end's own text unless given. */
  readonly device?: string | undefined;
  /** What an earlier output of the same plan found out, and where this one writes it down. */
  readonly memory?: OutputMemory | undefined;
}

/** What is known of an output beside its bytes, so that one that was interrupted can go on. */
export interface OutputMemory {
  readonly measured?: WholeModelNumbers | undefined;
  /** SHA-256 of finished files of weights, by path. */
  readonly hashes: ReadonlyMap<string, string>;
  /** Awaited. Called once, when the models have been measured, if they have to be. */
  onMeasured(found: WholeModelNumbers): void | Promise<void>;
  /** Awaited. Called when a file of weights is complete. */
  onHash(path: string, sha256: string): void | Promise<void>;
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
  const { memory } = options;
  const run = new MergeRun(plan, backend, {
    measured: memory?.measured,
    onMeasured: async (found) => memory?.onMeasured(found),
  });
  const weightBytes = shards.reduce((sum, { layout }) => sum + layout.fileSizeBytes, 0);
  // Made at the first byte, so that the rate does not count the time before.
  let meter: ProgressMeter | undefined;
  const count = (bytes: Uint8Array): Uint8Array => {
    meter ??= new ProgressMeter('Merging', weightBytes, 'bytes', options.onProgress);
    meter.advance(bytes.byteLength);
    return bytes;
  };
  const known = memory?.hashes;
  const hashes = new Map(shards.map(({ path }) => [path, known?.get(path) ?? unknownHash]));
  const weights = shards.map((shard) => shardFile(shard, run, { count, hashes, options }));
  const { title, scores } = options;
  const card = lateTextFile('README.md', () =>
    modelCard(plan, {
      title,
      recipeText,
      device: options.device ?? backend.device,
      hashes,
      scores,
    }),
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

function shardFile(shard: Shard, run: MergeRun, work: ShardWork): OutputFile {
  return {
    path: shard.path,
    sizeBytes: shard.layout.fileSizeBytes,
    stream: () => shardBytes(shard, run, work),
    streamAfter: (kept) => shardBytes(shard, run, work, kept),
  };
}

/** @param kept the file's first bytes, which are hashed and counted but not given again */
async function* shardBytes(
  { path, tensors, layout }: Shard,
  run: MergeRun,
  { count, hashes, options }: ShardWork,
  kept?: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = await (options.createHash ?? sha256Stream)();
  const passed = async (bytes: Uint8Array): Promise<Uint8Array> => {
    await hash.update(bytes);
    return count(bytes);
  };
  try {
    let keptBytes = 0;
    for await (const bytes of kept ?? []) keptBytes += (await passed(bytes)).byteLength;
    const { header, entries } = layout;
    if (keptBytes < header.byteLength) {
      yield await passed(header.subarray(keptBytes));
      keptBytes = header.byteLength;
    }
    const first = entries.findIndex(
      ({ beginBytes, sizeBytes }) => beginBytes + sizeBytes > keptBytes,
    );
    const rest = first === -1 ? [] : tensors.slice(first);
    const fromBytes = keptBytes - (entries[first]?.beginBytes ?? keptBytes);
    const merged = pulled<Uint8Array>(async (emit, signal) => {
      await run.merge(
        rest,
        async (_tensor, bytes) => emit(bytes),
        { ...options, signal },
        fromBytes,
      );
    }, options.signal);
    for await (const bytes of merged) yield await passed(bytes);
    const sha256 = await hash.digestHex();
    hashes.set(path, sha256);
    await options.memory?.onHash(path, sha256);
  } finally {
    hash.dispose?.();
  }
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
