import {
  plainFlags,
  tokenIds,
  withAddedTokens,
  type AddedToken,
  type TokenizerJson,
} from '../formats/tokenizer-json';

/** A tokenizer and how many of its ids have a row in the model's embedding. */
export interface SizedTokenizer {
  readonly tokenizer: TokenizerJson;
  readonly rowCount: number;
}

/**
 * The first tokenizer with the tokens of all others: first the words that its vocabulary lacks, as
 * plain added tokens, then everybody's added tokens with their flags, of which the first definition
 * wins. Merges stay those of the first: the new words are found as wholes only. Ids beyond a model's
 * embedding do not count.
 *
 * As mergekit 0.1.4's `union`, which appends in the order of hash sets; here the order is that of the
 * models, and within one that of its ids.
 *
 * @param tokenizers the base's first, already stripped of ids beyond its rows
 */
export function unionTokenizer(tokenizers: readonly SizedTokenizer[]): TokenizerJson {
  const [base] = tokenizers;
  if (base === undefined) throw new Error('MergeLab bug: a union has a first tokenizer');
  const growing = new GrowingTokenizer(base.tokenizer);
  for (const { tokenizer, rowCount } of tokenizers.slice(1)) {
    const added = new Set(tokenizer.addedTokens.map(({ content }) => content));
    const words = [...tokenIds(tokenizer)]
      .filter(([token, id]) => id < rowCount && !added.has(token))
      .sort((left, right) => left[1] - right[1]);
    for (const [token] of words) growing.addWord(token);
  }
  for (const { tokenizer, rowCount } of tokenizers) {
    const tokens = tokenizer.addedTokens.filter(({ id }) => id < rowCount);
    for (const token of tokens) growing.define(token);
  }
  return growing.finish();
}

/** The tokenizer with more words, each a plain added token unless it is there already. */
export function withWords(tokenizer: TokenizerJson, words: readonly string[]): TokenizerJson {
  const growing = new GrowingTokenizer(tokenizer);
  for (const word of words) growing.addWord(word);
  return growing.finish();
}

class GrowingTokenizer {
  readonly #tokenizer: TokenizerJson;
  readonly #ids: Map<string, number>;
  readonly #added: Map<string, AddedToken>;
  #nextId: number;
  #hasGrown = false;

  constructor(tokenizer: TokenizerJson) {
    this.#tokenizer = tokenizer;
    this.#ids = new Map(tokenIds(tokenizer));
    this.#added = new Map(tokenizer.addedTokens.map((token) => [token.content, token]));
    this.#nextId = 0;
    for (const id of this.#ids.values()) this.#nextId = Math.max(this.#nextId, id + 1);
  }

  addWord(content: string): void {
    if (content === '' || this.#ids.has(content)) return;
    this.#add(content, plainFlags);
  }

  /** A token that was a plain word becomes an added one under its id. */
  define({ content, flags }: AddedToken): void {
    if (content === '' || this.#added.has(content)) return;
    this.#add(content, flags);
  }

  finish(): TokenizerJson {
    if (!this.#hasGrown) return this.#tokenizer;
    return withAddedTokens(this.#tokenizer, [...this.#added.values()]);
  }

  #add(content: string, flags: AddedToken['flags']): void {
    const id = this.#ids.get(content) ?? this.#nextId++;
    this.#ids.set(content, id);
    this.#added.set(content, { id, content, flags });
    this.#hasGrown = true;
  }
}
