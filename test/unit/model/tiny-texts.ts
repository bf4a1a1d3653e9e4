import type { ModelTexts } from '../../../src/model/model-texts';

const specials = ['<pad>', '<s>', '</s>'];

/** Byte-level BPE spells bytes that do not print as the characters from U+0100 on (GPT-2's table). */
function byteSpelling(byte: number): string {
  const prints = byte >= 33 && byte <= 126;
  return String.fromCodePoint(prints ? byte : 256 + byte);
}

const vocabulary = Object.fromEntries([
  ...specials.map((text, id) => [text, id] as const),
  ...Array.from({ length: 127 }, (_, byte) => [byteSpelling(byte), 3 + byte] as const),
]);

const tokenizer = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: specials.map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  })),
  normalizer: null,
  pre_tokenizer: {
    type: 'ByteLevel',
    add_prefix_space: false,
    trim_offsets: true,
    use_regex: true,
  },
  post_processor: null,
  decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
  model: { type: 'BPE', vocab: vocabulary, merges: [], ignore_merges: false },
};

export const tinyTemplate =
  "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}Q: {{ m['content'] }}\nA:{% endif %}{% endfor %}";

/** The small files of a tiny model whose tokens are the 127 bytes of ASCII, one each. */
export function tinyTexts(config: object): ModelTexts {
  return new Map([
    ['config.json', JSON.stringify(config)],
    ['tokenizer.json', JSON.stringify(tokenizer)],
    [
      'tokenizer_config.json',
      JSON.stringify({ bos_token: '<s>', eos_token: '</s>', pad_token: '<pad>' }),
    ],
    ['chat_template.jinja', tinyTemplate],
    ['generation_config.json', JSON.stringify({ eos_token_id: [2] })],
  ]);
}
