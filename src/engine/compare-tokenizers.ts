import { abortable } from '../core/abort';
import { LabError } from '../core/errors';
import { isJsonObject } from '../formats/bounded-json';
import { sha256Hex } from '../formats/hashes';
import { quoted } from '../formats/text';
import { parseTokenizerJson, tokenIds, type TokenizerJson } from '../formats/tokenizer-json';
import type { ModelFile } from '../sources/model-files';
import type { Finding } from './finding';
import type { ModelInput } from './model-input';

/** Files up to this size are compared whole, larger ones in three pieces of a third of it. */
const sampledBytes = 3 << 20;
/** Larger files that differ are not read to find out in what. */
const maxParsedBytes = 64_000_000;

const samples = new WeakMap<ModelFile, Promise<string>>();
/** By the two files that were compared. */
const differences = new WeakMap<ModelFile, WeakMap<ModelFile, Promise<string | undefined>>>();

/**
 * A warning for each way in which models' tokenizers differ from the first one's. Files that are the
 * same cost a look at 3 MB each, once; of others, the tokens with their ids and the merges count, not
 * settings such as truncation.
 */
export async function compareTokenizers(
  models: readonly ModelInput[],
  signal?: AbortSignal,
): Promise<Finding[]> {
  const [donor] = models;
  const ours = donor?.files.files.get('tokenizer.json');
  if (donor === undefined || ours === undefined) return [];
  const oddOnes = new Map<string, string[]>();
  for (const { id, files } of models) {
    const theirs = files.files.get('tokenizer.json');
    if (theirs === undefined || theirs === ours) continue;
    // Shared with others, so that an abort ends only this call's waiting.
    const difference = await abortable(differenceOf(ours, theirs), signal);
    if (difference === undefined) continue;
    oddOnes.set(difference, [...(oddOnes.get(difference) ?? []), id]);
  }
  return [...oddOnes].map(([difference, odd]) => ({
    severity: 'warning',
    code: 'recipe/shape-mismatch',
    sentence: `The tokenizer of ${odd.map(quoted).join(', ')} is not that of ${quoted(donor.id)}, which the merge takes: ${difference}.`,
    models: odd,
  }));
}

/** What differs between two files, in words; undefined when nothing does that counts. */
async function differenceOf(ours: ModelFile, theirs: ModelFile): Promise<string | undefined> {
  const known = differences.get(ours) ?? new WeakMap<ModelFile, Promise<string | undefined>>();
  differences.set(ours, known);
  const comparing = known.get(theirs) ?? compareFiles(ours, theirs);
  known.set(theirs, comparing);
  comparing.catch(() => known.delete(theirs));
  return comparing;
}

async function compareFiles(ours: ModelFile, theirs: ModelFile): Promise<string | undefined> {
  const isSame =
    ours.sizeBytes === theirs.sizeBytes && (await sampleOf(ours)) === (await sampleOf(theirs));
  if (isSame) return undefined;
  if (Math.max(ours.sizeBytes, theirs.sizeBytes) > maxParsedBytes) return unknownDifference;
  try {
    return inWords(await readTokenizer(ours), await readTokenizer(theirs));
  } catch (error) {
    // Whoever needs to read the file will say what is wrong with it.
    if (error instanceof LabError && error.code.startsWith('format/')) return unknownDifference;
    throw error;
  }
}

const unknownDifference = 'the files differ; compare them before you trust the result';

async function sampleOf(file: ModelFile): Promise<string> {
  const known = samples.get(file) ?? readSample(file);
  samples.set(file, known);
  known.catch(() => samples.delete(file));
  return known;
}

async function readSample(file: ModelFile): Promise<string> {
  const { sizeBytes } = file;
  if (sizeBytes <= sampledBytes) return sha256Hex(await file.read(0, sizeBytes));
  const pieceBytes = sampledBytes / 3;
  const hashes: string[] = [];
  for (const share of [0, 0.5, 1]) {
    const offsetBytes = Math.floor(share * (sizeBytes - pieceBytes));
    hashes.push(await sha256Hex(await file.read(offsetBytes, pieceBytes)));
  }
  return hashes.join(' ');
}

async function readTokenizer(file: ModelFile): Promise<TokenizerJson> {
  return parseTokenizerJson(await file.read(0, file.sizeBytes), file.path);
}

function inWords(ours: TokenizerJson, theirs: TokenizerJson): string | undefined {
  const [left, right] = [tokenIds(ours), tokenIds(theirs)];
  let count = 0;
  for (const [token, id] of left) if (right.get(token) !== id) count++;
  for (const token of right.keys()) if (!left.has(token)) count++;
  if (count > 0) {
    const tokens =
      count === 1 ? '1 token has another id or is' : `${count} tokens have other ids or are`;
    return `${tokens} in one of them only; align them with tokenizer: {source: union}, or choose models with one tokenizer`;
  }
  if (mergesOf(ours) !== mergesOf(theirs)) {
    return 'it joins pieces of words in another order; choose models with one tokenizer';
  }
  return undefined;
}

/** Older files write a merge as `a b`, newer ones as `["a", "b"]`. */
function mergesOf({ raw, modelType }: TokenizerJson): string {
  const model = raw['model'];
  const merges: unknown = isJsonObject(model) ? model['merges'] : undefined;
  if (!Array.isArray(merges)) return modelType;
  return merges.map((merge) => (Array.isArray(merge) ? merge.join(' ') : String(merge))).join('\n');
}
