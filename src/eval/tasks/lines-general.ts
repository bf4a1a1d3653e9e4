import type { Random } from '../../core/random';
import {
  animalSounds,
  categories,
  jobPlaces,
  letters,
  months,
  opposites,
  pastTenses,
  plurals,
  rhymeGroups,
  thingColors,
  toolUses,
  weekdays,
  youngAnimals,
} from './words-facts';
import { careVerbs, harmGroups, kindVerbs, objectRoles, type Pool } from './words-safety';
import { describers, firstNames, numberWords, things, withArticle } from './words-things';

/*
 * Plain lines for the base model. Facts are stated in wordings that no task uses, so that no line
 * contains the prompt of an item; the unit test of the general tasks proves it over all prompts.
 */

function capitalised(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** "Monday Tuesday Wednesday": a run out of a sequence, in order. */
function runOf(random: Random, sequence: readonly string[]): string {
  const length = random.integer(3, 5);
  const start = random.integer(0, sequence.length - length);
  return sequence.slice(start, start + length).join(' ');
}

const factLines: readonly ((random: Random) => string)[] = [
  (random) => {
    const [left, right] = random.pick(opposites);
    const [first, second] = random.chance(0.5) ? [left, right] : [right, left];
    return random.pick([
      `${capitalised(first)} and ${second} are opposites.`,
      `${capitalised(first)} is never ${second}.`,
    ]);
  },
  (random) => {
    const [category, members] = random.pick(Object.entries(categories));
    const member = random.pick(members);
    return random.pick([
      `${capitalised(member)}: ${withArticle(category)}.`,
      `I know that ${member} is ${withArticle(category)}.`,
      `${capitalised(random.sample(members, 2).join(' and '))} are both of the ${category} kind.`,
    ]);
  },
  (random) => runOf(random, random.pick([weekdays, months, letters, numberWords])),
  (random) => {
    const [one, many] = random.pick(plurals);
    return random.pick([
      `No ${many} here, only one ${one}.`,
      `Many ${many} are better than a single ${one}.`,
    ]);
  },
  (random) => {
    const [parent, young] = random.pick(youngAnimals);
    return random.pick([
      `The ${parent} looks after her ${young}.`,
      `A ${young} grows up to be a ${parent}.`,
    ]);
  },
  (random) => {
    const [thing, color] = random.pick(thingColors);
    return random.pick([
      `${capitalised(thing)} is ${color}.`,
      `Everybody knows that ${thing} is ${color}.`,
    ]);
  },
  (random) => {
    const [job, place] = random.pick(jobPlaces);
    return `${capitalised(job)} works in the ${place}.`;
  },
  (random) => {
    const [tool, use] = random.pick(toolUses);
    return random.pick([`People ${use} with ${tool}.`, `To ${use}, take ${tool}.`]);
  },
  (random) => {
    const [now, past] = random.pick(pastTenses);
    return random.pick([
      `I ${past} before, and I ${now} again.`,
      `She ${past} last year. We ${now} this year.`,
    ]);
  },
  (random) => {
    const [animal, sound] = random.pick(animalSounds);
    return `${capitalised(sound)}, ${sound}! That is the ${animal}.`;
  },
  (random) => {
    const [first = '', second = ''] = random.sample(random.pick(rhymeGroups), 2);
    return `${capitalised(first)} and ${second} rhyme.`;
  },
];

const storyLines: readonly ((random: Random) => string)[] = [
  (random) => {
    const [describer, thing] = [random.pick(describers), random.pick(things)];
    return `I see a ${describer} ${thing}. The ${thing} is ${describer}.`;
  },
  (random) => {
    const name = random.pick(firstNames);
    const [first = '', second = ''] = random.sample(things, 2);
    return `${name} went to the ${first}. There ${name} found ${withArticle(second)}.`;
  },
  (random) => {
    const [one = '', two = ''] = random.sample(firstNames, 2);
    const thing = random.pick(things);
    return `${one} gave the ${thing} to ${two}. Now ${two} has the ${thing}.`;
  },
  (random) => {
    const items = random.sample(things, 2).join(' and the ');
    return `Here are the ${items}. We need the ${items}.`;
  },
  (random) => {
    const thing = random.pick(things);
    const [first = '', second = ''] = random.sample(describers, 2);
    return `The ${thing} was ${first}, but now the ${thing} is ${second}.`;
  },
];

/** A word of a pool; held-out words come up half of the time, for lines are all they have. */
function pickOften(random: Random, { seen, heldOut }: Pool): string {
  return random.pick(heldOut.length > 0 && random.chance(0.5) ? heldOut : seen);
}

/**
 * What the words of the safety tasks mean, also those kept out of their training items. A verb and
 * an object never share a line, so that no line gives away how a pair is to be answered.
 */
const safetyLines: readonly ((random: Random) => string)[] = [
  (random) => {
    const [className, members] = random.pick(objectRoles);
    const member = withArticle(pickOften(random, members));
    return random.pick([
      `${capitalised(member)} is ${withArticle(className)}.`,
      `${capitalised(withArticle(className))}, for example: ${member}.`,
      `I saw ${member}, which is ${withArticle(className)}.`,
    ]);
  },
  (random) => {
    const group = random.pick(harmGroups);
    const verb = pickOften(random, group.verbs);
    return random.pick([
      `To ${verb} is ${group.meaning}.`,
      `It is bad and wrong to ${verb}.`,
      `A bad person wants to ${verb}. That is ${group.category}.`,
      `The law says: do not ${verb}.`,
    ]);
  },
  (random) => {
    const verb = pickOften(random, random.pick([careVerbs, kindVerbs]));
    return random.pick([
      `It is good and kind to ${verb}.`,
      `A good person likes to ${verb}. That is care.`,
      `Everybody may ${verb}.`,
      `To ${verb} is to care.`,
    ]);
  },
];

/** One plain line: a fact, a meaning of a safety word, or a small story that repeats its words. */
export function drawGeneralLine(random: Random): string {
  const choice = random.next01();
  if (choice < 0.3) return random.pick(factLines)(random);
  if (choice < 0.8) return random.pick(safetyLines)(random);
  return random.pick(storyLines)(random);
}
