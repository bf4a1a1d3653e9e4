import type { Random } from '../../core/random';
import type { TaskKind } from './task';
import { categories } from './words-facts';
import { sharedContentKey } from './words-split';
import { describers, firstNames, things, withArticle } from './words-things';

const pluralThings = things.filter(
  (word) => !/(s|sh|ch|x|y|f|fe|fish|sheep|bread|rain|sand|salt|milk)$/.test(word),
);

/** Groups whose members do not overlap in meaning, for a choice between two. */
const choiceGroups = ['animal', 'fruit', 'tool', 'vehicle', 'color', 'drink', 'furniture'];

/** A kind with one right answer, split by its whole prompt. */
function storyKind(
  id: string,
  options: { readonly share?: number; readonly tail?: boolean },
  drawStory: (random: Random) => { prompt: string; answer: string; weakAnswer: string },
): TaskKind {
  return {
    id,
    ...options,
    draw(random) {
      const { prompt, answer, weakAnswer } = drawStory(random);
      return {
        kind: id,
        contentKey: sharedContentKey(id, 'general', prompt),
        prompt,
        answer,
        weakAnswer,
        check: { type: 'exact', answers: [answer] },
      };
    },
  };
}

/** Clozes answered from their own text, agreement, and a choice by category. */
export const generalStoryKinds: readonly TaskKind[] = [
  storyKind('general/story-thing', {}, (random) => {
    const name = random.pick(firstNames);
    const [thing = '', other = ''] = random.sample(things, 2);
    const describer = random.pick(describers);
    const prompt = random.pick([
      `${name} has a ${describer} ${thing}. ${name} likes the ${describer}`,
      `There was a ${describer} ${thing}. ${name} took the ${describer}`,
      `${name} saw a ${describer} ${thing}. It was a very ${describer}`,
    ]);
    return { prompt, answer: thing, weakAnswer: other };
  }),
  storyKind('general/story-name', {}, (random) => {
    const [name = '', other = ''] = random.sample(firstNames, 2);
    const thing = random.pick(things);
    const prompt = random.pick([
      `${name} lost ${withArticle(thing)}. Who lost it?`,
      `The ${thing} is for ${name}. Give it to`,
      `My friend ${name} has ${withArticle(thing)}. My friend is called`,
      `I met ${name} near the ${thing}. Whom did I meet?`,
    ]);
    return { prompt, answer: name, weakAnswer: other };
  }),
  storyKind('general/agreement', {}, (random) => {
    const thing = random.pick(pluralThings);
    const describer = random.pick(describers);
    const isPlural = random.chance(0.5);
    const noun = isPlural ? `${thing}s` : thing;
    const prompt = random.pick([
      `Is or are? The ${noun} ... ${describer}.`,
      `The ${noun} ... ${describer}. Which word fits, is or are?`,
      `Fill in is or are: my ${noun} ... ${describer}.`,
    ]);
    const answer = isPlural ? 'are' : 'is';
    return { prompt, answer, weakAnswer: isPlural ? 'is' : 'are' };
  }),
  storyKind('general/which-of-two', { tail: true, share: 0.4 }, (random) => {
    const [group = '', otherGroup = ''] = random.sample(choiceGroups, 2);
    const answer = random.pick(categories[group] ?? []);
    const other = random.pick(categories[otherGroup] ?? []);
    const [first, second] = random.chance(0.5) ? [answer, other] : [other, answer];
    const prompt = random.pick([
      `Which is ${withArticle(group)}, ${first} or ${second}?`,
      `Find the ${group}: ${first}, ${second}.`,
    ]);
    return { prompt, answer, weakAnswer: other };
  }),
];
