import { describe, expect, it } from 'vitest';
import {
  formatTokenizerJson,
  parseTokenizerJson,
  stripTokens,
  tokenIds,
  tokenRowCount,
  withAddedTokens,
  type TokenizerJson,
} from '../../../src/formats/tokenizer-json';

const parse = (value: unknown): TokenizerJson =>
  parseTokenizerJson(new TextEncoder().encode(JSON.stringify(value)), 'tokenizer.json');

const flags = { special: true, normalized: false };
const bpe = {
  version: '1.0',
  added_tokens: [
    { id: 0, content: '<s>', ...flags },
    { id: 6, content: '<end>', ...flags },
  ],
  model: {
    type: 'BPE',
    vocab: { '<s>': 0, a: 1, b: 2, ab: 3, '7': 4, abab: 5 },
    merges: ['a b', ['ab', 'ab']],
  },
};

describe('tokenizer.json', () => {
  it('lists every token once with its id', () => {
    const tokenizer = parse(bpe);
    expect(tokenizer.modelType).toBe('BPE');
    expect(Object.fromEntries(tokenIds(tokenizer))).toEqual({
      '<s>': 0,
      a: 1,
      b: 2,
      ab: 3,
      '7': 4,
      abab: 5,
      '<end>': 6,
    });
    expect(tokenRowCount(tokenizer)).toBe(7);
    expect(JSON.parse(formatTokenizerJson(tokenizer))).toEqual(bpe);
  });

  it('strips tokens with the merges that need or make them, and nothing if all have rows', () => {
    const tokenizer = parse(bpe);
    expect(stripTokens(tokenizer, 7)).toBe(tokenizer);
    const stripped = JSON.parse(formatTokenizerJson(stripTokens(tokenizer, 5))) as typeof bpe;
    expect(stripped.model.vocab).toEqual({ '<s>': 0, a: 1, b: 2, ab: 3, '7': 4 });
    expect(stripped.model.merges).toEqual(['a b']);
    expect(stripped.added_tokens.map(({ content }) => content)).toEqual(['<s>']);
    expect(tokenRowCount(stripTokens(tokenizer, 2))).toBe(2);
  });

  it('reads and strips unigram vocabularies, whose places are ids', () => {
    const unigram = parse({
      added_tokens: [{ id: 3, content: '<x>', ...flags }],
      model: {
        type: 'Unigram',
        unk_id: 0,
        vocab: [
          ['<unk>', 0],
          ['▁a', -1.5],
          ['b', -2],
        ],
      },
    });
    expect([...tokenIds(unigram)]).toEqual([
      ['<unk>', 0],
      ['▁a', 1],
      ['b', 2],
      ['<x>', 3],
    ]);
    const stripped = JSON.parse(formatTokenizerJson(stripTokens(unigram, 2))) as {
      model: { vocab: unknown };
      added_tokens: unknown[];
    };
    expect(stripped.model.vocab).toEqual([
      ['<unk>', 0],
      ['▁a', -1.5],
    ]);
    expect(stripped.added_tokens).toEqual([]);
  });

  it('keeps the place of each text of a unigram vocabulary in which texts repeat', () => {
    const unigram = parse({
      model: {
        type: 'Unigram',
        vocab: [
          ['a', 0],
          ['a', 0],
          ['!', 0],
        ],
      },
      added_tokens: [{ id: 3, content: ' ' }],
    });
    const expected = new Map([
      ['a', 0],
      ['!', 2],
    ]);
    for (const changed of [stripTokens(unigram, 3), withAddedTokens(unigram, [])]) {
      const bytes = new TextEncoder().encode(formatTokenizerJson(changed));
      expect(parseTokenizerJson(bytes, 'again').vocabulary).toEqual(expected);
      expect(changed.vocabulary).toEqual(expected);
    }
  });

  it('writes added tokens by id and keeps what it does not know', () => {
    const tokenizer = parse({ ...bpe, normalizer: { type: 'NFC' } });
    const more = withAddedTokens(tokenizer, [
      { id: 7, content: '__proto__', flags },
      ...tokenizer.addedTokens,
    ]);
    const written = JSON.parse(formatTokenizerJson(more)) as { added_tokens: object[] };
    expect(written).toMatchObject({ normalizer: { type: 'NFC' }, version: '1.0' });
    expect(written.added_tokens).toEqual([
      ...bpe.added_tokens,
      { id: 7, content: '__proto__', ...flags },
    ]);
    expect(tokenIds(more).get('__proto__')).toBe(7);
  });

  it.each([
    ['no model', {}],
    ['no vocabulary', { model: { type: 'BPE' } }],
    ['an id that is none', { model: { vocab: { a: -1 } } }],
    ['an id too large', { model: { vocab: { a: 2 ** 40 } } }],
    ['a unigram vocabulary of numbers', { model: { vocab: [1, 2] } }],
    ['added tokens that are no list', { added_tokens: {}, model: { vocab: {} } }],
    ['an added token without an id', { added_tokens: [{ content: 'x' }], model: { vocab: {} } }],
  ])('refuses %s', (_, value) => {
    expect(() => parse(value)).toThrow(
      expect.objectContaining({ code: 'format/bad-tokenizer' }) as Error,
    );
  });
});
