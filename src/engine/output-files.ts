import { ProgressMeter, type LongTask } from '../core/progress';
import type { MergeBackend } from '../expr/backend';
import { withConfigDtype } from '../formats/model-config';
import { formatSafetensorsIndex, indexFileName, shardFileName } from '../formats/safetensors-index';
import { layOutSafetensors } from '../formats/safetensors-writer';
import { writeRecipe } from '../recipe/write-recipe';
import type { ModelFile } from '../sources/model-files';
import { changedConfig } from './config-changes';
import { throwFirstError } from './finding';
import { modelCard } from './model-card';
import type { MergePlan, PlannedTensor } from './plan';
import { pulled } from './pulled';
import { MergeRun } from './run-merge';

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
  /** mergekit's default, 5 GB; a larger tensor has a shard of its own. */
  readonly maxShardBytes?: number | undefined;
}

const defaultShardBytes = 5_000_000_000;
const copyPieceBytes = 4 << 20;

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
 * The files of a merged checkpoint in Hugging Face layout, small ones first, then the weights in the
 * order of their shards. All of them together are one merge: consume them in order, once. Progress
 * is in bytes of output.
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
  const card = modelCard(plan, { title: options.title, recipeText, device: backend.device });
  const shards = layOutShards(plan.tensors, options.maxShardBytes ?? defaultShardBytes);
  const copied = copiedPaths.flatMap((path) => donor.files.files.get(path) ?? []);
  const small = [
    ...configFile(plan),
    ...copied.map((file) => copiedFile(file, options.signal)),
    textFile('mergekit_config.yml', recipeText),
    textFile('README.md', card),
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
  const weights = shards.map((shard) => shardFile(shard, run, count, options));
  return [...small, ...weights];
}

interface Shard {
  readonly path: string;
  readonly tensors: readonly PlannedTensor[];
  readonly layout: ReturnType<typeof layOutSafetensors>;
}

/** Fills shards in order, as mergekit does: a tensor that does not fit begins the next one. */
function layOutShards(tensors: readonly PlannedTensor[], maxShardBytes: number): Shard[] {
  const groups: PlannedTensor[][] = [];
  let groupBytes = Infinity;
  for (const tensor of tensors) {
    if (groupBytes + tensor.sizeBytes > maxShardBytes) {
      groups.push([]);
      groupBytes = 0;
    }
    groups.at(-1)?.push(tensor);
    groupBytes += tensor.sizeBytes;
  }
  if (groups.length === 0) groups.push([]);
  return groups.map((group, index) => ({
    path: shardFileName(index + 1, groups.length),
    tensors: group,
    layout: layOutSafetensors(group),
  }));
}

function shardFile(
  shard: Shard,
  run: MergeRun,
  count: (bytes: Uint8Array) => Uint8Array,
  task: LongTask,
): OutputFile {
  const { path, tensors, layout } = shard;
  return {
    path,
    sizeBytes: layout.fileSizeBytes,
    stream: async function* () {
      yield count(layout.header);
      const merged = pulled<Uint8Array>(async (emit, signal) => {
        await run.merge(tensors, async (_tensor, bytes) => emit(bytes), { ...task, signal });
      }, task.signal);
      for await (const bytes of merged) yield count(bytes);
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

/** The donor's config, byte for byte where nothing changes; none when the donor has none. */
function configFile({ donor, donorConfig, configChanges }: MergePlan): readonly OutputFile[] {
  const file = donor.files.files.get('config.json');
  if (donorConfig === undefined || file === undefined) return [];
  if (Object.keys(configChanges).length === 0) return [copiedFile(file)];
  const config = changedConfig(donorConfig, configChanges);
  const { dtype } = configChanges;
  const text =
    dtype === undefined ? `${JSON.stringify(config, null, 2)}\n` : withConfigDtype(config, dtype);
  return [textFile('config.json', text)];
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
  const bytes = new TextEncoder().encode(text);
  return {
    path,
    sizeBytes: bytes.byteLength,
    // eslint-disable-next-line @typescript-eslint/require-await -- one shape for all files
    stream: async function* () {
      yield bytes;
    },
  };
}
