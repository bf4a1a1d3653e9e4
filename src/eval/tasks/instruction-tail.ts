import { shortDescribers, shortThings } from './instruction-format';
import { constrainedKind } from './instruction-kind';
import type { TaskKind } from './task';
import { numberWords, things } from './words-things';

/** Two constraints at once; each alone is a kind of its own. */
export const instructionTailKinds: readonly TaskKind[] = [
  constrainedKind('instruction/capitals-in-marks', { share: 0.6, tail: true }, (random) => {
    const words = [random.pick(shortDescribers), random.pick(shortThings)];
    const text = words.join(' ');
    return {
      content: words,
      prompts: [
        `Write ${text} in capital letters and in round brackets.`,
        `Put ${text} in upper case inside round brackets.`,
      ],
      answer: `(${text.toUpperCase()})`,
      weakAnswer: `I like the ${text} too.`,
      constraints: [
        { type: 'allUppercase' },
        { type: 'wrapped', open: '(', close: ')' },
        { type: 'contains', text: text.toUpperCase() },
      ],
    };
  }),
  constrainedKind('instruction/json-two-keys', { share: 0.6, tail: true }, (random) => {
    const item = random.pick(things);
    const count = random.integer(2, 9);
    return {
      content: [item, String(count)],
      prompts: [
        `Give JSON: item is ${item} and count is ${String(count)}.`,
        `Make a JSON object with item ${item} and count ${String(count)}.`,
      ],
      answer: `{"item": "${item}", "count": ${String(count)}}`,
      weakAnswer: `I like the ${item} too.`,
      constraints: [{ type: 'json', value: { item, count } }],
    };
  }),
  constrainedKind('instruction/repeat-in-quotes', { share: 0.6, tail: true }, (random) => {
    const thing = random.pick(things);
    const count = random.integer(2, 4);
    const times = numberWords[count] ?? '';
    return {
      content: [thing, times],
      prompts: [
        `Write ${thing} ${times} times with dashes between and put it all in quotes.`,
        `Repeat ${thing} ${times} times, joined by dashes, inside double quotes.`,
      ],
      answer: `"${Array.from({ length: count }, () => thing).join(' - ')}"`,
      weakAnswer: `I like the ${thing} too.`,
      constraints: [
        { type: 'wrapped', open: '"', close: '"' },
        {
          type: 'parts',
          separator: '-',
          parts: Array.from({ length: count }, (_, index) =>
            index === 0 ? `"${thing}` : index === count - 1 ? `${thing}"` : thing,
          ),
        },
      ],
    };
  }),
];
