import { LabError } from '../core/errors';
import { isJsonObject, parseJsonObject, type JsonObject } from './bounded-json';
import { quoted } from './text';

/** The largest published tokenizer.json files are about 35 MB. */
const tokenizerLimits = { maxSizeBytes: 128_000_000, maxDepth: 64 };
/** Ids beyond this would make an embedding that no machine holds. */
const maxTokenId = 2 ** 26;

/** A token that is cut out of a text before the model of the tokenizer sees it. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** As in the file: `special`, `normalized`, `lstrip`, `rstrip`, `single_word`. */
  readonly flags: JsonObject;
}

/** A fast tokenizer (tokenizers 0.22, `tokenizer.json`), as far as its vocabulary goes. */
export interface TokenizerJson {
  readonly fileName: string;
  /** `BPE`, `Unigram`, `WordLevel` or `WordPiece`. */
  readonly modelType: string;
  /** Of the tokenizer's model, by id. */
  readonly vocabulary: ReadonlyMap<string, number>;
  /** In the order of the file. */
  readonly addedTokens: readonly AddedToken[];
  /** The whole file as parsed. */
  readonly raw: JsonObject;
}

/** What transformers gives a token that is added as plain text. */
export const plainFlags: JsonObject = {
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: true,
  special: false,
};

/**
 * Parses `tokenizer.json`.
 * @throws LabError `format/bad-tokenizer`, `format/too-large`
 */
export function parseTokenizerJson(bytes: Uint8Array, fileName: string): TokenizerJson {
  const raw = parseJsonObject(bytes, fileName, 'format/bad-tokenizer', tokenizerLimits);
  const model = raw['model'];
  if (!isJsonObject(model)) throw badTokenizer(fileName, 'has no "model" object');
  const type = model['type'];
  return {
    fileName,
    // Files of tokenizers before 0.10 leave the type of BPE out.
    modelType: typeof type === 'string' ? type : 'BPE',
    vocabulary: vocabularyOf(model['vocab'], fileName),
    addedTokens: addedTokensOf(raw['added_tokens'], fileName),
    raw,
  };
}

/** Every token with its id; an added token stands before one of the model with the same text. */
export function tokenIds({ vocabulary, addedTokens }: TokenizerJson): ReadonlyMap<string, number> {
  const ids = new Map(vocabulary);
  for (const { content, id } of addedTokens) ids.set(content, vocabulary.get(content) ?? id);
  return ids;
}

/** One more than the largest id: the rows that an embedding needs. 0 for an empty vocabulary. */
export function tokenRowCount(tokenizer: TokenizerJson): number {
  let rowCount = 0;
  for (const id of tokenIds(tokenizer).values()) rowCount = Math.max(rowCount, id + 1);
  return rowCount;
}

/**
 * The tokenizer without tokens of id `rowCount` and above, and without the merges that need or make
 * them. mergekit 0.1.4 strips BPE only and fails where a stripped token is the result of a merge.
 */
export function stripTokens(tokenizer: TokenizerJson, rowCount: number): TokenizerJson {
  const isKept = (id: number): boolean => id < rowCount;
  if ([...tokenIds(tokenizer).values()].every(isKept)) return tokenizer;
  const vocabulary = new Map([...tokenizer.vocabulary].filter(([, id]) => isKept(id)));
  const addedTokens = tokenizer.addedTokens.filter(({ id }) => isKept(id));
  const model = isJsonObject(tokenizer.raw['model']) ? tokenizer.raw['model'] : {};
  const merges: unknown = model['merges'];
  const vocab: unknown = model['vocab'];
  const kept = {
    ...(Array.isArray(merges)
      ? { merges: merges.filter((merge) => isPossible(merge, vocabulary)) }
      : {}),
    ...(Array.isArray(vocab) ? { vocab: vocab.slice(0, rowCount) as unknown } : {}),
  };
  return withTokens(
    { ...tokenizer, raw: { ...tokenizer.raw, model: { ...model, ...kept } } },
    vocabulary,
    addedTokens,
  );
}

/** The tokenizer with other added tokens; its model's vocabulary stays. */
export function withAddedTokens(
  tokenizer: TokenizerJson,
  addedTokens: readonly AddedToken[],
): TokenizerJson {
  return withTokens(tokenizer, tokenizer.vocabulary, addedTokens);
}

/** The text of the file, indented by 2 as tokenizers writes it. */
export function formatTokenizerJson({ raw }: TokenizerJson): string {
  return JSON.stringify(raw, null, 2);
}

function withTokens(
  tokenizer: TokenizerJson,
  vocabulary: ReadonlyMap<string, number>,
  addedTokens: readonly AddedToken[],
): TokenizerJson {
  const model = isJsonObject(tokenizer.raw['model']) ? tokenizer.raw['model'] : {};
  const vocab: unknown = model['vocab'];
  const raw = {
    ...tokenizer.raw,
    added_tokens: [...addedTokens]
      .sort((left, right) => left.id - right.id)
      .map(({ id, content, flags }) => ({ id, content, ...flags })),
    model: {
      ...model,
      // A list is in order of the ids already, and texts that repeat keep their places in it.
      vocab: Array.isArray(vocab)
        ? (vocab as unknown)
        : Object.fromEntries([...vocabulary].sort((left, right) => left[1] - right[1])),
    },
  };
  return { ...tokenizer, vocabulary, addedTokens, raw };
}

/** BPE merges are `"a b"` in older files and `["a", "b"]` in newer ones. */
function isPossible(merge: unknown, vocabulary: ReadonlyMap<string, number>): boolean {
  const parts: readonly unknown[] =
    typeof merge === 'string' ? merge.split(' ') : Array.isArray(merge) ? merge : [];
  const texts = parts.filter((part) => typeof part === 'string');
  return [...texts, texts.join('')].every((text) => vocabulary.has(text));
}

function vocabularyOf(vocab: unknown, fileName: string): ReadonlyMap<string, number> {
  if (Array.isArray(vocab)) {
    // Unigram: pairs of text and score, whose place is the id. Repeated texts keep the first.
    const ids = new Map<string, number>();
    (vocab as readonly unknown[]).forEach((pair, id) => {
      const text: unknown = Array.isArray(pair) ? pair[0] : undefined;
      if (typeof text !== 'string') throw badTokenizer(fileName, 'has a vocabulary of no texts');
      if (!ids.has(text)) ids.set(text, id);
    });
    return ids;
  }
  if (!isJsonObject(vocab)) throw badTokenizer(fileName, 'has no vocabulary');
  return new Map(
    Object.entries(vocab).map(([text, id]) => {
      if (!isTokenId(id)) {
        throw badTokenizer(fileName, `gives the token ${quoted(text)} no usable id`);
      }
      return [text, id];
    }),
  );
}

function addedTokensOf(list: unknown, fileName: string): AddedToken[] {
  if (list === undefined || list === null) return [];
  if (!Array.isArray(list)) throw badTokenizer(fileName, 'has "added_tokens" that are no list');
  return (list as readonly unknown[]).map((entry) => {
    const { id, content, ...flags } = isJsonObject(entry) ? entry : {};
    if (isTokenId(id) && typeof content === 'string') return { id, content, flags };
    throw badTokenizer(fileName, 'has an entry in "added_tokens" without id or content');
  });
}

function isTokenId(id: unknown): id is number {
  return typeof id === 'number' && Number.isSafeInteger(id) && id >= 0 && id < maxTokenId;
}

function badTokenizer(fileName: string, problem: string): LabError {
  return new LabError(
    'format/bad-tokenizer',
    `${fileName} ${problem}; download or export the file again.`,
    { details: { file: fileName } },
  );
}
