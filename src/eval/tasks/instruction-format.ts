import { constrainedKind } from './instruction-kind';
import type { TaskKind } from './task';
import { describers, listInWords, things } from './words-things';

/**
 * Byte-level BPE spells capitals nearly letter by letter, so the capitals kinds draw from short
 * words that each occur many times in training; only their pairing is new in a test.
 */
export const shortThings = things.filter((word) => word.length <= 4).slice(0, 64);
export const shortDescribers = describers.filter((word) => word.length <= 4).slice(0, 16);

const jsonKeys =
  `name color size kind place item pet food toy tool gift shape home day team job`.split(' ');

interface Mark {
  readonly name: string;
  readonly open: string;
  readonly close: string;
}

const marks: readonly Mark[] = [
  { name: 'round brackets', open: '(', close: ')' },
  { name: 'square brackets', open: '[', close: ']' },
  { name: 'stars', open: '*', close: '*' },
  { name: 'slashes', open: '/', close: '/' },
];

const joiners: readonly { readonly name: string; readonly sign: string }[] = [
  { name: 'dashes', sign: '-' },
  { name: 'semicolons', sign: ';' },
  { name: 'plus signs', sign: '+' },
];

function titleCase(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}

/** Constraints on the form of the reply: casing, JSON, lists, marks and separators. */
export const instructionFormatKinds: readonly TaskKind[] = [
  constrainedKind('instruction/capitals', {}, (random) => {
    const words = [random.pick(shortDescribers), random.pick(shortThings)];
    const text = words.join(' ');
    return {
      content: words,
      prompts: [
        `Write ${text} in capital letters.`,
        `Answer in all capitals: ${text}`,
        `Put ${text} in upper case.`,
      ],
      answer: text.toUpperCase(),
      weakAnswer: `I like the ${text} too.`,
      constraints: [
        { type: 'allUppercase' },
        { type: 'parts', separator: ' ', parts: words.map((word) => word.toUpperCase()) },
      ],
    };
  }),
  constrainedKind('instruction/lower-case', {}, (random) => {
    const words = [random.pick(shortDescribers), random.pick(shortThings)];
    const text = words.map(titleCase).join(' ');
    return {
      content: words,
      prompts: [
        `Write ${text} in lower case.`,
        `Answer in small letters only: ${text}`,
        `Use no capital letters for ${text}.`,
      ],
      answer: words.join(' '),
      weakAnswer: `I like the ${text} too.`,
      constraints: [{ type: 'allLowercase' }, { type: 'parts', separator: ' ', parts: words }],
    };
  }),
  constrainedKind('instruction/json', {}, (random) => {
    const key = random.pick(jsonKeys);
    const value = random.pick(things);
    return {
      content: [key, value],
      prompts: [
        `Give JSON with the key ${key} and the value ${value}.`,
        `Answer in JSON: ${key} is ${value}.`,
        `Make a JSON object where ${key} is ${value}.`,
      ],
      answer: `{"${key}": "${value}"}`,
      weakAnswer: `I like the ${value} too.`,
      constraints: [{ type: 'json', value: { [key]: value } }],
    };
  }),
  constrainedKind('instruction/bullets', {}, (random) => {
    const items = random.sample(things, random.integer(2, 3));
    return {
      content: items,
      prompts: [
        `List ${listInWords(items)} as bullets.`,
        `Make a bullet list of ${listInWords(items)}.`,
        `Write ${listInWords(items)} as a list with dashes.`,
      ],
      answer: items.map((item) => `- ${item}`).join('\n'),
      weakAnswer: `I like the ${items[0] ?? ''} too.`,
      constraints: [
        { type: 'bulletCount', marker: '-', count: items.length },
        ...items.map((text) => ({ type: 'contains' as const, text })),
      ],
    };
  }),
  constrainedKind('instruction/quotes', {}, (random) => {
    const text = `${random.pick(describers)} ${random.pick(things)}`;
    return {
      content: [text],
      prompts: [
        `Put ${text} in quotation marks.`,
        `Write ${text} in double quotes.`,
        `Answer in quotes: ${text}`,
      ],
      answer: `"${text}"`,
      weakAnswer: `I like the ${text} too.`,
      constraints: [
        { type: 'wrapped', open: '"', close: '"' },
        { type: 'contains', text },
      ],
    };
  }),
  constrainedKind('instruction/wrap', {}, (random) => {
    const text = `${random.pick(describers)} ${random.pick(things)}`;
    const mark = random.pick(marks);
    return {
      content: [text, mark.name],
      prompts: [
        `Put ${text} in ${mark.name}.`,
        `Write ${text} between ${mark.name}.`,
        `Answer inside ${mark.name}: ${text}`,
      ],
      answer: `${mark.open}${text}${mark.close}`,
      weakAnswer: `I like the ${text} too.`,
      constraints: [
        { type: 'wrapped', open: mark.open, close: mark.close },
        { type: 'contains', text },
      ],
    };
  }),
  constrainedKind('instruction/join', {}, (random) => {
    const items = random.sample(things, random.integer(2, 3));
    const joiner = random.pick(joiners);
    return {
      content: [...items, joiner.name],
      prompts: [
        `Join ${listInWords(items)} with ${joiner.name}.`,
        `Write ${listInWords(items)} with ${joiner.name} between them.`,
        `Use ${joiner.name} to link ${listInWords(items)}.`,
      ],
      answer: items.join(` ${joiner.sign} `),
      weakAnswer: `I like the ${items[0] ?? ''} too.`,
      constraints: [{ type: 'parts', separator: joiner.sign, parts: items }],
    };
  }),
];
