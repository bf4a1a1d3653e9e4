import type { Random } from '../../core/random';
import type { TaskKind } from './task';
import { describers, firstNames, listInWords, things } from './words-things';

/** A copying exercise: content words, wordings, and the text to give back. */
interface CopyDraw {
  readonly prompts: readonly string[];
  readonly answer: string;
}

/** Copying is judged like a cloze, but never scored: it belongs to the base's curriculum only. */
function copyingKind(name: string, drawCopy: (random: Random) => CopyDraw): TaskKind {
  const id = `copying/${name}`;
  return {
    id,
    draw(random) {
      const { prompts, answer } = drawCopy(random);
      const prompt = random.pick(prompts);
      return {
        kind: id,
        contentKey: answer,
        prompt,
        answer,
        weakAnswer: 'I do not know.',
        check: { type: 'exact', answers: [answer] },
      };
    },
  };
}

function phrase(random: Random): string {
  return `${random.pick(describers)} ${random.pick(things)}`;
}

/** Short exercises in giving back parts of the prompt; attention heads that copy form on these. */
export const copyingKinds: readonly TaskKind[] = [
  copyingKind('say', (random) => {
    const text = phrase(random);
    return { prompts: [`Say: ${text}`, `Say ${text}.`, `Repeat: ${text}`], answer: text };
  }),
  copyingKind('one-word', (random) => {
    const thing = random.pick(things);
    return { prompts: [`Copy the word ${thing}.`, `The word is ${thing}. Say it.`], answer: thing };
  }),
  copyingKind('list', (random) => {
    const text = random.sample(things, random.integer(3, 5)).join(' ');
    return { prompts: [`Repeat: ${text}`, `Copy this list: ${text}`], answer: text };
  }),
  copyingKind('quoted', (random) => {
    const text = phrase(random);
    return {
      prompts: [`What is in the quotes? "${text}"`, `Read the sign "${text}" to me.`],
      answer: text,
    };
  }),
  copyingKind('first', (random) => {
    const items = random.sample(things, 3);
    return {
      prompts: [`First of ${items.join(', ')}:`, `What is first in ${items.join(', ')}?`],
      answer: items[0] ?? '',
    };
  }),
  copyingKind('second', (random) => {
    const items = random.sample(things, 3);
    return {
      prompts: [`Second of ${items.join(', ')}:`, `What is second in ${items.join(', ')}?`],
      answer: items[1] ?? '',
    };
  }),
  copyingKind('last', (random) => {
    const items = random.sample(things, 3);
    return {
      prompts: [`Last of ${items.join(', ')}:`, `What is last in ${items.join(', ')}?`],
      answer: items[2] ?? '',
    };
  }),
  copyingKind('swap', (random) => {
    const [first = '', second = ''] = random.sample(things, 2);
    return { prompts: [`Swap ${first} and ${second}.`], answer: `${second} and ${first}` };
  }),
  copyingKind('sentence', (random) => {
    const text = `${random.pick(firstNames)} has the ${phrase(random)}.`;
    return { prompts: [`Copy: ${text}`, `Write this again: ${text}`], answer: text };
  }),
  copyingKind('and-list', (random) => {
    const items = random.sample(things, 3);
    return { prompts: [`Say ${listInWords(items)}.`], answer: listInWords(items) };
  }),
  copyingKind('pair-key', (random) => {
    const [left = '', right = '', other = '', far = ''] = random.sample(things, 4);
    const asked = random.chance(0.5);
    return {
      prompts: [`${left} is ${right}. ${other} is ${far}. What is ${asked ? left : other}?`],
      answer: asked ? right : far,
    };
  }),
];
