import { LabError } from '../core/errors';
import { isJsonObject, parseJsonObject, type JsonObject } from '../formats/bounded-json';
import { quoted } from '../formats/text';

const manifestLimits = { maxSizeBytes: 1_000_000, maxDepth: 16 };
const maxModelCount = 64;
const maxFilesPerModel = 64;
/** The zoo's files are read whole; its largest is below 10 MB. */
export const maxZooFileBytes = 64 << 20;

/** A file of the zoo with the hash that its bytes must have. */
export interface ZooFileRecord {
  /** Relative to the model's folder. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

export interface ZooModelRecord {
  readonly id: string;
  readonly title: string;
  /** The model's folder, relative to the manifest. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly files: readonly ZooFileRecord[];
  /** Everything the manifest says of the model, scores in its domain included. */
  readonly raw: JsonObject;
}

/** `public/zoo/manifest.json`: which models and items the site carries. */
export interface ZooManifest {
  /** The base's id. */
  readonly base: string;
  readonly specialists: readonly string[];
  readonly models: ReadonlyMap<string, ZooModelRecord>;
  /** By domain; paths are relative to the manifest. */
  readonly items: ReadonlyMap<string, { readonly path: string; readonly count: number }>;
}

/**
 * Parses and checks the zoo's manifest.
 * @throws LabError `format/bad-index`, `format/too-large`
 */
export function parseZooManifest(bytes: Uint8Array, fileName = 'zoo/manifest.json'): ZooManifest {
  const raw = parseJsonObject(bytes, fileName, 'format/bad-index', manifestLimits);
  const fail = (problem: string): never => {
    throw new LabError(
      'format/bad-index',
      `${fileName} ${problem}; reload the page, or build the site again.`,
      { details: { file: fileName } },
    );
  };
  if (raw['version'] !== 1) fail(`has version ${quoted(String(raw['version']))} instead of 1`);
  const models = new Map<string, ZooModelRecord>();
  for (const [id, model] of fieldsOf(raw['models'])) {
    const record = parseModel(id, model);
    if (record === undefined) return fail(`describes the model ${quoted(id)} incompletely`);
    models.set(id, record);
  }
  if (models.size > maxModelCount) fail(`names more than ${maxModelCount} models`);
  const base = raw['base'];
  if (typeof base !== 'string' || !models.has(base)) return fail('names no base model of its own');
  const specialists = listOf(raw['specialists']).filter((id) => typeof id === 'string');
  const unknown = specialists.find((id) => !models.has(id) || id === base);
  if (unknown !== undefined) fail(`lists ${quoted(unknown)}, which is no specialist of its own`);
  const items = new Map<string, { path: string; count: number }>();
  for (const [domain, value] of fieldsOf(raw['items'])) {
    const { path, count } = isJsonObject(value) ? value : {};
    if (!isPlainPath(path) || !isCount(count)) {
      return fail(`describes the items of ${quoted(domain)} incompletely`);
    }
    items.set(domain, { path, count });
  }
  return { base, specialists, models, items };
}

function parseModel(id: string, value: unknown): ZooModelRecord | undefined {
  if (!isJsonObject(value)) return undefined;
  const files: ZooFileRecord[] = [];
  for (const file of listOf(value['files'])) {
    const { path, sizeBytes, sha256 } = isJsonObject(file) ? file : {};
    const complete =
      isPlainPath(path) &&
      isCount(sizeBytes) &&
      sizeBytes <= maxZooFileBytes &&
      typeof sha256 === 'string' &&
      /^[0-9a-f]{64}$/.test(sha256);
    if (!complete) return undefined;
    files.push({ path, sizeBytes, sha256 });
  }
  const path = value['path'];
  const title = value['title'];
  if (files.length === 0 || files.length > maxFilesPerModel || !isPlainPath(path)) return undefined;
  return {
    id,
    title: typeof title === 'string' ? title : id,
    path,
    sizeBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
    files,
    raw: value,
  };
}

function fieldsOf(value: unknown): [string, unknown][] {
  return isJsonObject(value) ? Object.entries(value) : [];
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** A path below the manifest: no scheme, no root, no `..`. */
function isPlainPath(path: unknown): path is string {
  if (typeof path !== 'string' || /[\\:?#\0]/.test(path)) return false;
  return path
    .replace(/\/$/, '')
    .split('/')
    .every((part) => part !== '' && part !== '.' && part !== '..');
}
