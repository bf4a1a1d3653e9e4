import { LabError } from '../core/errors';
import { isJsonObject, parseJsonObject } from './bounded-json';
import { quoted } from './text';

export const indexFileName = 'model.safetensors.index.json';

/** The largest published index files hold about 10^5 tensors in 15 MB. */
const indexLimits = { maxSizeBytes: 100_000_000, maxDepth: 8 };
const maxShardCount = 10_000;

/** Which shard holds which tensor. */
export interface SafetensorsIndex {
  /** Tensor name to the shard's path, relative to the folder of the index. */
  readonly shardOf: ReadonlyMap<string, string>;
  /** Each shard once, in order of first mention. */
  readonly shardPaths: readonly string[];
  /** The sum that the file states, if it states one; nothing here relies on it. */
  readonly totalSizeBytes: number | undefined;
}

/**
 * Parses `model.safetensors.index.json`.
 * @throws LabError `format/bad-index`, `format/too-large`
 */
export function parseSafetensorsIndex(bytes: Uint8Array, fileName: string): SafetensorsIndex {
  const raw = parseJsonObject(bytes, fileName, 'format/bad-index', indexLimits);
  const weightMap = raw['weight_map'];
  if (!isJsonObject(weightMap)) {
    throw badIndex(fileName, 'has no "weight_map" object');
  }
  const shardOf = new Map<string, string>();
  const shardPaths = new Set<string>();
  for (const [tensor, path] of Object.entries(weightMap)) {
    if (typeof path !== 'string' || !isPlainPath(path)) {
      throw badIndex(fileName, `maps tensor ${quoted(tensor)} to no usable file name`);
    }
    shardOf.set(tensor, path);
    shardPaths.add(path);
    if (shardPaths.size > maxShardCount) {
      throw badIndex(fileName, `names more than ${String(maxShardCount)} shards`);
    }
  }
  if (shardOf.size === 0) throw badIndex(fileName, 'lists no tensor');
  const metadata = raw['metadata'];
  const total = isJsonObject(metadata) ? metadata['total_size'] : undefined;
  return {
    shardOf,
    shardPaths: [...shardPaths],
    totalSizeBytes: typeof total === 'number' && Number.isSafeInteger(total) ? total : undefined,
  };
}

/** The text of an index file, indented by 2 as mergekit and transformers write it. */
export function formatSafetensorsIndex(
  shardOf: ReadonlyMap<string, string>,
  totalSizeBytes: number,
): string {
  const index = {
    metadata: { total_size: totalSizeBytes },
    weight_map: Object.fromEntries(shardOf),
  };
  return `${JSON.stringify(index, null, 2)}\n`;
}

/** `model.safetensors`, or `model-00002-of-00005.safetensors` for the second (number 2) of five. */
export function shardFileName(number: number, count: number): string {
  if (count === 1) return 'model.safetensors';
  const digits = (value: number): string => String(value).padStart(5, '0');
  return `model-${digits(number)}-of-${digits(count)}.safetensors`;
}

/** A path inside the folder: no root, no drive, no `..`. */
function isPlainPath(path: string): boolean {
  if (path.length === 0 || path.length > 1024 || /[\\:\0]/.test(path)) return false;
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

function badIndex(fileName: string, problem: string): LabError {
  return new LabError(
    'format/bad-index',
    `${fileName} ${problem}; download or export the file again.`,
    { details: { file: fileName } },
  );
}
