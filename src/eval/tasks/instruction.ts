import { instructionFormatKinds } from './instruction-format';
import { constrainedKind } from './instruction-kind';
import { instructionTailKinds } from './instruction-tail';
import type { TaskKind } from './task';
import { describers, listInWords, numberWords, things } from './words-things';

const openers =
  `Indeed Surely Maybe Today Well Yes Often Here Once Now Truly Perhaps Clearly Still Again Honestly
Sometimes Luckily Look Sadly Usually Really Listen Hello Fine Friends Always Outside Tonight Somehow`.split(
    /\s+/,
  );

const closers =
  `today now here again tonight somehow outside forever always together daily inside alone anyway indeed
first once there everywhere sometimes`.split(/\s+/);

/** Phrases of a fixed number of words about one thing. */
const phrasesByWordCount: Readonly<Record<number, (thing: string) => string>> = {
  2: (thing) => `nice ${thing}`,
  3: (thing) => `a nice ${thing}`,
  4: (thing) => `I like the ${thing}`,
  6: (thing) => `I like the ${thing} very much`,
};

/** Constraints on what the reply says: how often, how long, with or without a word. */
const contentKinds: readonly TaskKind[] = [
  constrainedKind('instruction/repeat', {}, (random) => {
    const thing = random.pick(things);
    const count = random.integer(2, 5);
    const times = numberWords[count] ?? '';
    return {
      content: [thing, times],
      prompts: [
        `Write the word ${thing} ${times} times, separated by commas.`,
        `Repeat ${thing} ${times} times with commas between.`,
        `Say ${thing} ${times} times. Put commas between the words.`,
      ],
      answer: Array.from({ length: count }, () => thing).join(', '),
      weakAnswer: `I like the ${thing} too.`,
      constraints: [
        { type: 'parts', separator: ',', parts: Array.from({ length: count }, () => thing) },
      ],
    };
  }),
  constrainedKind('instruction/start-word', {}, (random) => {
    const thing = random.pick(things);
    const opener = random.pick(openers);
    return {
      content: [thing, opener],
      prompts: [
        `Say something about the ${thing}. Start with the word ${opener}.`,
        `Write about the ${thing}. Your first word must be ${opener}.`,
        `Talk about the ${thing} and begin with ${opener}.`,
      ],
      answer: `${opener}, the ${thing} is nice.`,
      weakAnswer: `I like the ${thing} too.`,
      constraints: [
        { type: 'startsWith', text: opener },
        { type: 'contains', text: thing },
      ],
    };
  }),
  constrainedKind('instruction/end-word', {}, (random) => {
    const thing = random.pick(things);
    const closer = random.pick(closers);
    return {
      content: [thing, closer],
      prompts: [
        `Say something about the ${thing}. End with the word ${closer}.`,
        `Write about the ${thing}. Your last word must be ${closer}.`,
        `Talk about the ${thing} and finish with ${closer}.`,
      ],
      answer: `I see the ${thing} ${closer}`,
      weakAnswer: `I like the ${thing} too.`,
      constraints: [
        { type: 'endsWith', text: closer },
        { type: 'contains', text: thing },
      ],
    };
  }),
  constrainedKind('instruction/word-count', {}, (random) => {
    const thing = random.pick(things);
    const count = random.pick([2, 3, 4, 6]);
    const words = numberWords[count] ?? '';
    return {
      content: [thing, words],
      prompts: [
        `Write about the ${thing} in exactly ${words} words.`,
        `Use exactly ${words} words to talk about the ${thing}.`,
        `Give me ${words} words about the ${thing}, no more and no less.`,
      ],
      answer: phrasesByWordCount[count]?.(thing) ?? '',
      weakAnswer: `I like the ${thing} too.`,
      constraints: [
        { type: 'wordCount', count },
        { type: 'contains', text: thing },
      ],
    };
  }),
  constrainedKind('instruction/keyword', {}, (random) => {
    const [thing = '', keyword = ''] = random.sample(things, 2);
    return {
      content: [thing, keyword],
      prompts: [
        `Write about the ${thing} and use the word ${keyword}.`,
        `Say something about the ${thing}. Include the word ${keyword}.`,
        `Talk about the ${thing}. The word ${keyword} must be in it.`,
      ],
      answer: `The ${thing} is near the ${keyword}.`,
      weakAnswer: `I like the ${thing} too.`,
      constraints: [
        { type: 'contains', text: thing },
        { type: 'contains', text: keyword },
      ],
    };
  }),
  constrainedKind('instruction/avoid-word', {}, (random) => {
    const thing = random.pick(things);
    // "flower" contains "low": such a word could not be avoided.
    const avoided = random.pick(describers.filter((word) => !thing.includes(word)));
    return {
      content: [thing, avoided],
      prompts: [
        `Describe the ${thing}. Do not use the word ${avoided}.`,
        `Say something about the ${thing} without the word ${avoided}.`,
        `Write about the ${thing} but avoid the word ${avoided}.`,
      ],
      answer: `I see the ${thing}.`,
      weakAnswer: `The ${thing} is ${avoided}.`,
      constraints: [
        { type: 'contains', text: thing },
        { type: 'notContains', text: avoided },
      ],
    };
  }),
  constrainedKind('instruction/no-commas', {}, (random) => {
    const items = random.sample(things, 3);
    return {
      content: items,
      prompts: [
        `Name the ${listInWords(items)} without any commas.`,
        `Do not use commas. List ${listInWords(items)}.`,
        `Write ${listInWords(items)} in one line with no commas.`,
      ],
      answer: items.join(' and '),
      weakAnswer: `I like the ${items.join(', the ')} too.`,
      constraints: [
        { type: 'noCommas' },
        ...items.map((text) => ({ type: 'contains' as const, text })),
      ],
    };
  }),
  constrainedKind('instruction/two-sections', {}, (random) => {
    const [first = '', second = ''] = random.sample(things, 2);
    return {
      content: [first, second],
      prompts: [
        `Write about the ${first} and the ${second} in two sections split by ***.`,
        `Give two sections, one on the ${first} and one on the ${second}. Put *** between them.`,
      ],
      answer: `The ${first} is nice. *** The ${second} is nice.`,
      weakAnswer: `I like the ${first} too.`,
      constraints: [
        { type: 'contains', text: '***' },
        { type: 'startsWith', text: `The ${first}` },
        { type: 'contains', text: second },
      ],
    };
  }),
];

/** Verifiable constraints in the manner of IFEval (arXiv 2311.07911), in small words. */
export const instructionKinds: readonly TaskKind[] = [
  ...contentKinds,
  ...instructionFormatKinds,
  ...instructionTailKinds,
];
