import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { adapterScale, parseAdapterConfig } from '../../../src/formats/adapter-config';
import { parseModelConfig, withConfigDtype } from '../../../src/formats/model-config';
import {
  formatTokenizerJson,
  parseTokenizerJson,
  stripTokens,
  tokenRowCount,
} from '../../../src/formats/tokenizer-json';
import {
  readListing,
  readSearchResults,
  readTreePage,
} from '../../../src/sources/hub/read-listing';
import { parseZooManifest } from '../../../src/sources/zoo-manifest';
import { fuzzParameters, fuzzTimeoutMs, outcomeOf } from './fuzzing';
import { damaged, jsonOf } from './mutations';

const encoder = new TextEncoder();
const zoo = new URL('../../../public/zoo/', import.meta.url);

function zooFile(path: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(path, zoo)));
}

function bytesOf(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

const count = fc.oneof(fc.nat(4096), fc.constantFrom(0, 1, 2 ** 31, 2 ** 53));
const word = fc.string({ maxLength: 8 });

describe('a damaged config.json', () => {
  it(
    'is read, or refused with a code',
    () => {
      const seed = zooFile('base/config.json');
      const built = jsonOf({
        architectures: fc.array(word, { maxLength: 2 }),
        model_type: word,
        hidden_size: count,
        intermediate_size: count,
        num_hidden_layers: count,
        num_attention_heads: count,
        vocab_size: count,
        rms_norm_eps: fc.double(),
        rope_parameters: fc.record({ rope_type: word, rope_theta: fc.double() }),
        eos_token_id: fc.oneof(count, fc.array(count, { maxLength: 3 })),
        tie_word_embeddings: fc.boolean(),
        torch_dtype: fc.constantFrom('bfloat16', 'torch.float16'),
      }).map((text) => encoder.encode(text));
      expect(parseModelConfig(seed, 'm').layerCount).toBeGreaterThan(0);
      fc.assert(
        fc.property(fc.oneof(damaged([seed]), built), (bytes) => {
          const codes = /^format\/(bad-config|too-large)$/;
          const outcome = outcomeOf(() => parseModelConfig(bytes, 'm'), codes);
          if (outcome.kind === 'refused') return;
          const { raw, ...facts } = outcome.value;
          const text = encoder.encode(withConfigDtype(raw, 'F32'));
          expect(parseModelConfig(text, 'm')).toMatchObject({
            dtype: 'float32',
            hiddenSize: facts.hiddenSize,
            headCount: facts.headCount,
            tiesEmbeddings: facts.tiesEmbeddings,
          });
        }),
        fuzzParameters(10_000),
      );
    },
    fuzzTimeoutMs,
  );
});

describe('a damaged adapter_config.json', () => {
  const codes = /^(format\/(bad-config|too-large)|engine\/unsupported)$/;
  const name = 'base_model.model.model.layers.11.self_attn.q_proj';
  const seed = bytesOf({
    peft_type: 'LORA',
    r: 8,
    lora_alpha: 16,
    rank_pattern: { 'layers\\.\\d+\\.self_attn.(q|k)_proj': 4, '^model.layers.0.+down_proj': 2 },
    alpha_pattern: { q_proj: 32 },
    use_rslora: true,
    base_model_name_or_path: 'org/model',
  });

  it(
    'is read, or refused with a code, and so is every pattern in it',
    () => {
      const atom = fc.constantFrom(
        ...['a', '.', '\\d', '\\w', '[a-z]', '[^.]', '(a|b)', '(a*)', '(a+)+', '(.*)*', '(\\w|_)*'],
        ...[
          '*',
          '+',
          '?',
          '{2,}',
          '{9}',
          '^',
          '$',
          '|',
          '(',
          ')',
          '[',
          '\\',
          '(?=a)',
          '(?<!a)',
          '\\1',
        ],
        ...['q_proj', 'layers', '_', 'model'],
      );
      const pattern = fc.array(atom, { maxLength: 12 }).map((atoms) => atoms.join(''));
      const patterns = fc.dictionary(pattern, count, { maxKeys: 3 });
      const built = jsonOf({
        peft_type: fc.constant('LORA'),
        r: fc.integer({ min: 1, max: 64 }),
        lora_alpha: fc.double({ noNaN: true, noDefaultInfinity: true }),
        rank_pattern: patterns,
        alpha_pattern: patterns,
        use_dora: fc.constant(false),
      }).map((text) => encoder.encode(text));
      fc.assert(
        fc.property(fc.oneof(damaged([seed]), built), (bytes) => {
          const outcome = outcomeOf(() => {
            const config = parseAdapterConfig(bytes, 'm');
            // The second name makes backtracking expensive: it nearly fits anything.
            return [name, 'a'.repeat(60)].map((module) => adapterScale(config, module));
          }, codes);
          if (outcome.kind === 'read') expect(outcome.value).toHaveLength(2);
        }),
        fuzzParameters(10_000),
      );
    },
    fuzzTimeoutMs,
  );
});

describe('a damaged tokenizer.json', () => {
  it(
    'is read, stripped and written, or refused with a code',
    () => {
      const codes = /^format\/(bad-tokenizer|too-large)$/;
      const seeds = [
        {
          added_tokens: [{ id: 3, content: '<s>', special: true }],
          model: { type: 'BPE', vocab: { a: 0, b: 1, ab: 2 }, merges: ['a b', ['a', 'b']] },
        },
        {
          model: {
            type: 'Unigram',
            vocab: [
              ['a', -1.5],
              ['b', -2],
            ],
          },
        },
      ].map(bytesOf);
      const built = jsonOf({
        added_tokens: fc.array(fc.record({ id: count, content: word, special: fc.boolean() }), {
          maxLength: 3,
        }),
        model: fc.record({
          type: word,
          vocab: fc.oneof(
            fc.dictionary(word, count, { maxKeys: 5 }),
            fc.array(fc.tuple(word, fc.double({ noNaN: true })), { maxLength: 4 }),
          ),
          merges: fc.array(fc.oneof(word, fc.tuple(word, word)), { maxLength: 3 }),
        }),
      }).map((text) => encoder.encode(text));
      for (const seed of seeds) {
        expect(parseTokenizerJson(seed, 'm').vocabulary.size).toBeGreaterThan(1);
      }
      fc.assert(
        fc.property(fc.oneof(damaged(seeds), built), fc.nat(6), (bytes, rowCount) => {
          const outcome = outcomeOf(() => parseTokenizerJson(bytes, 'm'), codes);
          if (outcome.kind === 'refused') return;
          const stripped = stripTokens(outcome.value, rowCount);
          expect(tokenRowCount(stripped)).toBeLessThanOrEqual(rowCount);
          const again = parseTokenizerJson(encoder.encode(formatTokenizerJson(stripped)), 'm');
          expect(again.vocabulary).toEqual(stripped.vocabulary);
        }),
        fuzzParameters(8_000),
      );
    },
    fuzzTimeoutMs,
  );
});

describe('a damaged manifest of the zoo', () => {
  it(
    'is read, or refused with a code',
    () => {
      const codes = /^format\/(bad-index|too-large)$/;
      const full = parseZooManifest(zooFile('manifest.json'));
      const files = [{ path: 'model.safetensors', sizeBytes: 9, sha256: 'a'.repeat(64) }];
      const seed = bytesOf({
        version: 1,
        base: 'base',
        specialists: ['math'],
        models: { base: { path: 'base/', files }, math: { title: 'Math', path: 'math/', files } },
        items: { math: { path: 'items/math.json', count: 3 } },
      });
      expect(full.models.size).toBeGreaterThan(3);
      expect(parseZooManifest(seed).specialists).toEqual(['math']);
      fc.assert(
        fc.property(damaged([seed]), (bytes) => {
          const outcome = outcomeOf(() => parseZooManifest(bytes), codes);
          if (outcome.kind === 'refused') return;
          const { base, specialists, models } = outcome.value;
          for (const id of [base, ...specialists]) expect(models.has(id)).toBe(true);
          for (const model of models.values()) {
            for (const { path } of [model, ...model.files]) {
              expect(path).not.toMatch(/^\/|:|(^|\/)\.\.?(\/|$)|\\/);
            }
          }
        }),
        fuzzParameters(8_000),
      );
    },
    fuzzTimeoutMs,
  );
});

describe('a damaged answer of the Hub', () => {
  const codes = /^format\/(bad-index|too-large)$/;
  const place = { endpoint: 'https://hub.example', repo: 'org/model' };
  const sha = '0123456789abcdef0123456789abcdef01234567';
  const sha256 = 'b'.repeat(64);

  it(
    'is read, or refused with a code',
    () => {
      const listing = bytesOf({
        id: 'org/model',
        sha,
        gated: 'manual',
        tags: ['license:mit', 'base_model:finetune:org/base'],
        cardData: { license: 'other', license_name: 'mine' },
        siblings: [
          { rfilename: 'config.json', size: 3, blobId: sha },
          { rfilename: 'a/model.safetensors', size: 9, lfs: { sha256, size: 9 } },
        ],
        safetensors: { parameters: { BF16: 12 }, total: 12 },
      });
      const tree = bytesOf([
        { type: 'file', path: 'config.json', size: 3, oid: sha },
        { type: 'file', path: 'm.safetensors', size: 9, oid: sha, lfs: { oid: sha256, size: 9 } },
        { type: 'directory', path: 'x' },
      ]);
      const found = bytesOf([{ id: 'org/model', downloads: 3, tags: ['license:mit'] }]);
      expect(readListing(listing, place, 'main', 'page').files).toHaveLength(2);
      expect(readTreePage(tree, place)).toHaveLength(2);
      expect(readSearchResults(found)).toHaveLength(1);
      const paths = (bytes: Uint8Array): string[] => [
        ...(readListing(bytes, place, 'main', 'page').files ?? []).map(({ path }) => path),
      ];
      fc.assert(
        fc.property(
          damaged([listing]),
          damaged([tree]),
          damaged([found]),
          (first, second, third) => {
            const read = [
              outcomeOf(() => paths(first), codes),
              outcomeOf(() => readTreePage(second, place).map(({ path }) => path), codes),
            ];
            outcomeOf(() => readSearchResults(third), codes);
            for (const outcome of read) {
              if (outcome.kind === 'refused') continue;
              for (const path of outcome.value) {
                expect(path).not.toMatch(/^\/|(^|\/)\.\.?(\/|$)|\\/);
              }
            }
          },
        ),
        fuzzParameters(4_000),
      );
    },
    fuzzTimeoutMs,
  );
});
