import * as v from 'valibot';
import { LabError } from '../../core/errors';
import { isJsonObject, parseJsonObject, type JsonObject } from '../../formats/bounded-json';
import { isPlainPath } from './addresses';
import type { HubFileEntry, HubSearchResult, PartialListing } from './listing';
import { shownPlace, type HubPlace } from './problems';

export const maxListingBytes = 16 << 20;
const listingLimits = { maxSizeBytes: maxListingBytes, maxDepth: 40 };
export const maxFileCount = 20_000;

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const gitOid = v.pipe(v.string(), v.regex(/^[0-9a-f]{40}$/));
const gate = v.optional(v.union([v.literal(false), v.literal('auto'), v.literal('manual')]), false);
const tags = v.optional(v.pipe(v.array(v.string()), v.maxLength(1000)), []);
const safetensors = v.optional(
  v.object({ parameters: v.optional(v.record(v.string(), count), {}), total: v.optional(count) }),
);

const siblingShape = v.object({
  rfilename: v.string(),
  size: v.optional(v.nullable(count)),
  blobId: v.optional(v.nullable(gitOid)),
  lfs: v.optional(v.nullable(v.object({ sha256, size: count }))),
});

const modelShape = v.object({
  id: v.optional(v.string()),
  sha: gitOid,
  private: v.optional(v.boolean(), false),
  gated: gate,
  tags,
  siblings: v.optional(v.pipe(v.array(siblingShape), v.maxLength(maxFileCount)), []),
  safetensors,
});

const treeEntryShape = v.object({
  type: v.string(),
  path: v.string(),
  size: v.optional(count),
  oid: v.optional(gitOid),
  lfs: v.optional(v.object({ oid: sha256, size: count })),
});

const foundShape = v.object({
  id: v.string(),
  gated: gate,
  downloads: v.optional(count, 0),
  likes: v.optional(count, 0),
  tags,
  safetensors,
});

/**
 * Reads the description of a model at one revision.
 * @throws LabError `format/bad-index`, `format/too-large`
 */
export function readListing(
  bytes: Uint8Array,
  place: HubPlace,
  revision: string,
  page: string,
): PartialListing {
  const fileName = `The Hub's description of ${place.repo}`;
  const raw = parseJsonObject(bytes, fileName, 'format/bad-index', listingLimits);
  const model = checked(modelShape, raw, fileName);
  const files: HubFileEntry[] = [];
  let isComplete = true;
  for (const { rfilename: path, size, blobId, lfs } of model.siblings) {
    const sizeBytes = lfs?.size ?? size;
    const key = lfs ? `sha256:${lfs.sha256}` : blobId ? `git:${blobId}` : undefined;
    if (sizeBytes === undefined || sizeBytes === null || key === undefined) isComplete = false;
    else files.push({ path: checkedPath(path, fileName), sizeBytes, key });
  }
  const licence = licenceOf(raw, model.tags);
  const parameterCount = model.safetensors?.total;
  return {
    repo: place.repo,
    revision,
    commit: model.sha,
    gate: model.gated === false ? 'open' : model.gated,
    gated: model.gated !== false,
    isPrivate: model.private,
    ...(licence === undefined ? {} : { licence }),
    ...(parameterCount === undefined ? {} : { parameterCount }),
    baseModels: baseModelsOf(model.tags),
    tags: model.tags,
    page,
    files: isComplete ? files : undefined,
  };
}

/**
 * Reads one page of the list of files.
 * @throws LabError `format/bad-index`, `format/too-large`
 */
export function readTreePage(bytes: Uint8Array, place: HubPlace): HubFileEntry[] {
  const fileName = `The Hub's list of files of ${shownPlace(place)}`;
  const entries = parseList(bytes, fileName).map((raw) => checked(treeEntryShape, raw, fileName));
  return entries.flatMap(({ type, path, size, oid, lfs }) => {
    const sizeBytes = lfs?.size ?? size;
    const key = lfs === undefined ? oid && `git:${oid}` : `sha256:${lfs.oid}`;
    if (type !== 'file' || sizeBytes === undefined || key === undefined) return [];
    return [{ path: checkedPath(path, fileName), sizeBytes, key }];
  });
}

/**
 * Reads what a search found.
 * @throws LabError `format/bad-index`, `format/too-large`
 */
export function readSearchResults(bytes: Uint8Array): HubSearchResult[] {
  const fileName = "The Hub's answer to the search";
  return parseList(bytes, fileName).map((raw) => {
    const found = checked(foundShape, raw, fileName);
    const licence = licenceOf({}, found.tags);
    const parameterCount = found.safetensors?.total;
    const weightBytes = bytesOf(found.safetensors?.parameters ?? {});
    return {
      repo: found.id,
      gate: found.gated === false ? 'open' : found.gated,
      gated: found.gated !== false,
      downloadCount: found.downloads,
      likeCount: found.likes,
      ...(licence === undefined ? {} : { licence }),
      ...(parameterCount === undefined ? {} : { parameterCount }),
      ...(weightBytes === 0 ? {} : { weightBytes }),
      baseModels: baseModelsOf(found.tags),
    };
  });
}

function checkedPath(path: string, fileName: string): string {
  if (isPlainPath(path)) return path;
  throw badListing(fileName, 'names a file by a path that leaves its folder');
}

function parseList(bytes: Uint8Array, fileName: string): readonly unknown[] {
  // The checks of size, depth and keys are written for an object, so the list becomes one.
  const head = new TextEncoder().encode('{"list":');
  const object = new Uint8Array(head.byteLength + bytes.byteLength + 1);
  object.set(head);
  object.set(bytes, head.byteLength);
  object[object.byteLength - 1] = 0x7d;
  const { list } = parseJsonObject(object, fileName, 'format/bad-index', listingLimits);
  if (Array.isArray(list) && list.length <= maxFileCount) return list;
  throw badListing(fileName, 'is not a list');
}

function checked<S extends v.GenericSchema>(
  shape: S,
  value: unknown,
  fileName: string,
): v.InferOutput<S> {
  const result = v.safeParse(shape, value, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const where = v.getDotPath(issue) ?? 'its top';
  throw badListing(fileName, `is not as expected at ${where.slice(0, 80)}`);
}

export function badListing(fileName: string, problem: string): LabError {
  return new LabError(
    'format/bad-index',
    `${fileName} ${problem}; check the address of the Hub, or try again later.`,
    { details: { file: fileName } },
  );
}

function licenceOf(raw: JsonObject, modelTags: readonly string[]): string | undefined {
  const card = raw['cardData'];
  const stated = isJsonObject(card) ? card['license'] : undefined;
  const first: unknown = Array.isArray(stated) ? stated[0] : stated;
  if (typeof first === 'string' && first !== '') {
    // `other` says nothing; its own name does.
    const name = isJsonObject(card) ? card['license_name'] : undefined;
    return (first === 'other' && typeof name === 'string' ? name : first).slice(0, 100);
  }
  return modelTags.find((tag) => tag.startsWith('license:'))?.slice('license:'.length);
}

/** `base_model:org/name` and `base_model:finetune:org/name` name one model. */
function baseModelsOf(modelTags: readonly string[]): string[] {
  const named = modelTags.flatMap((tag) => /^base_model:(?:[a-z]+:)?([^:]+)$/.exec(tag)?.[1] ?? []);
  return [...new Set(named)];
}

const bytesOfDtype: Readonly<Record<string, number>> = {
  F64: 8,
  I64: 8,
  F32: 4,
  I32: 4,
  F16: 2,
  BF16: 2,
  I16: 2,
};

function bytesOf(parameters: Readonly<Record<string, number>>): number {
  return Object.entries(parameters).reduce(
    (sum, [dtype, elements]) => sum + elements * (bytesOfDtype[dtype] ?? 1),
    0,
  );
}
