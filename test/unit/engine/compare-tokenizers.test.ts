import { describe, expect, it } from 'vitest';
import { compareTokenizers } from '../../../src/engine/compare-tokenizers';
import type { ModelInput } from '../../../src/engine/model-input';
import { modelOf } from './token-models';

const merges = [
  ['a', 'b'],
  ['ab', 'c'],
];
const tokenizer = {
  model: { type: 'BPE', vocab: { a: 0, b: 1, c: 2, ab: 3, abc: 4 }, merges },
  added_tokens: [{ id: 5, content: '<s>', special: true }],
};

async function withTokenizer(id: string, changes: object = {}, indent = 0): Promise<ModelInput> {
  const text = JSON.stringify({ ...tokenizer, ...changes }, null, indent);
  const model = await modelOf('plain', { files: [['tokenizer.json', text]] });
  return { ...model, id };
}

describe('compareTokenizers', () => {
  it('overlooks layout, settings and the two ways to write merges', async () => {
    const joined = merges.map((merge) => merge.join(' '));
    const models = [
      await withTokenizer('base'),
      await withTokenizer('same'),
      await withTokenizer('laid out', {}, 2),
      await withTokenizer('cut', { truncation: { max_length: 8 } }),
      await withTokenizer('older', { model: { ...tokenizer.model, merges: joined } }),
    ];
    expect(await compareTokenizers(models)).toEqual([]);
  });

  it('counts tokens that differ, and groups models that differ alike', async () => {
    const more = [...tokenizer.added_tokens, { id: 6, content: '<more>', special: true }];
    const models = [
      await withTokenizer('base'),
      await withTokenizer('one', { added_tokens: more }),
      await withTokenizer('two', { added_tokens: more }),
      await modelOf('chatml'),
    ];
    const found = await compareTokenizers(models);
    expect(found.map(({ severity, models: odd }) => [severity, odd])).toEqual([
      ['warning', ['one', 'two']],
      ['warning', ['chatml']],
    ]);
    expect(found[0]?.sentence).toBe(
      'The tokenizer of "one", "two" is not that of "base", which the merge takes: 1 token has another id or is in one of them only; align them with tokenizer: {source: union}, or choose models with one tokenizer.',
    );
  });

  it('sees a change that leaves the size as it was', async () => {
    const swapped = { ...tokenizer.model, merges: [merges[1], merges[0]] };
    const renumbered = { ...tokenizer.model, vocab: { a: 1, b: 0, c: 2, ab: 3, abc: 4 } };
    const [base, order, ids] = await Promise.all([
      withTokenizer('base'),
      withTokenizer('order', { model: swapped }),
      withTokenizer('ids', { model: renumbered }),
    ]);
    const sentences = (await compareTokenizers([base, order, ids])).map(({ sentence }) => sentence);
    expect(sentences[0]).toContain('"order"');
    expect(sentences[0]).toContain('joins pieces of words in another order');
    expect(sentences[1]).toContain('2 tokens have other ids');
  });

  it('reads each file once, and samples of large ones', async () => {
    const filler = { filler: 'x'.repeat(4_000_000) };
    const models = await Promise.all(['base', 'a'].map(async (id) => withTokenizer(id, filler)));
    let readBytes = 0;
    const counted = models.map((model) => {
      const file = model.files.files.get('tokenizer.json');
      if (file === undefined) throw new Error('there is a tokenizer');
      const read: typeof file.read = async (offsetBytes, lengthBytes) => {
        readBytes += lengthBytes;
        return file.read(offsetBytes, lengthBytes);
      };
      const files = new Map([['tokenizer.json', { ...file, read }]]);
      return { ...model, files: { label: model.id, files } };
    });
    expect(await compareTokenizers(counted)).toEqual([]);
    expect(await compareTokenizers(counted)).toEqual([]);
    expect(readBytes).toBe(2 * 3 * 2 ** 20);
  });

  it('says that files differ which cannot be read', async () => {
    const broken = await modelOf('plain', { files: [['tokenizer.json', '{']] });
    const [finding] = await compareTokenizers([await withTokenizer('base'), broken]);
    expect(finding?.sentence).toContain('the files differ');
  });
});
