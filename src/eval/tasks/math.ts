import type { Random } from '../../core/random';
import { fillTemplate, joinContent } from './fill-template';
import { mathActivities, mathContainers, mathNames, mathThings } from './math-words';
import type { DrawnItem, TaskKind } from './task';

type Operator = '+' | '-' | 'x' | '/';

/** A word problem before it is worded: what fills the wording, and its worked steps. */
interface Problem {
  readonly values: Readonly<Record<string, string | number>>;
  readonly steps: readonly (readonly [left: number, operator: Operator, right: number])[];
  readonly wordings: readonly string[];
}

/** The result of one step; `/` is only drawn where it leaves no remainder. */
export function computeStep(left: number, operator: Operator, right: number): number {
  if (operator === '+') return left + right;
  if (operator === '-') return left - right;
  return operator === 'x' ? left * right : left / right;
}

/** One worked step as text, for example `3 + 5 = 8.` */
export function writeStep(left: number, operator: Operator, right: number): string {
  const result = computeStep(left, operator, right);
  return `${String(left)} ${operator} ${String(right)} = ${String(result)}.`;
}

/** A bare number copied from the problem, the last one first, that is not the answer. */
function pickWrongNumber(values: Problem['values'], answer: number): number {
  const numbers = Object.values(values).filter((value) => typeof value === 'number');
  return numbers.findLast((value) => value !== answer) ?? answer + 1;
}

function mathKind(
  name: string,
  drawProblem: (random: Random) => Problem,
  options: { readonly share?: number; readonly tail?: boolean } = {},
): TaskKind {
  const id = `math/${name}`;
  return {
    id,
    ...options,
    draw(random: Random): DrawnItem {
      const { values, steps, wordings } = drawProblem(random);
      const [left, operator, right] = steps.at(-1) ?? [0, '+', 0];
      const answer = computeStep(left, operator, right);
      return {
        kind: id,
        contentKey: joinContent(values),
        prompt: fillTemplate(random.pick(wordings), values),
        answer: `${steps.map((step) => writeStep(...step)).join(' ')} The answer is ${String(answer)}.`,
        weakAnswer: `${String(pickWrongNumber(values, answer))}.`,
        check: { type: 'number', answer },
      };
    },
  };
}

function drawPersonAndThings(random: Random): { who: string; things: string } {
  return { who: random.pick(mathNames), things: `${random.pick(mathThings)}s` };
}

const add = mathKind('add', (random) => {
  const a = random.integer(2, 12);
  const b = random.integer(2, 9);
  return {
    values: { ...drawPersonAndThings(random), a, b },
    steps: [[a, '+', b]],
    wordings: [
      '{who} has {a} {things} and gets {b} more. How many {things} now?',
      '{who} had {a} {things}. Then {who} found {b} more. How many {things} in all?',
      '{a} {things} are in a box. {who} puts in {b} more. How many are in the box?',
    ],
  };
});

const subtract = mathKind('subtract', (random) => {
  const a = random.integer(4, 18);
  const b = random.integer(2, Math.min(a - 1, 9));
  return {
    values: { ...drawPersonAndThings(random), a, b },
    steps: [[a, '-', b]],
    wordings: [
      '{who} has {a} {things} and loses {b}. How many {things} are left?',
      '{who} had {a} {things} and gave away {b}. How many {things} remain?',
      '{a} {things} are on the table. {who} takes {b}. How many are left?',
    ],
  };
});

const buyTwoKinds = mathKind('buy-two-kinds', (random) => {
  const [first = '', second = ''] = random.sample(mathThings, 2);
  const a = random.integer(2, 9);
  const b = random.integer(2, 9);
  return {
    values: { who: random.pick(mathNames), a, first: `${first}s`, b, second: `${second}s` },
    steps: [[a, '+', b]],
    wordings: [
      '{who} buys {a} {first} and {b} {second}. How many things is that?',
      '{who} has {a} {first} and {b} {second}. How many things in all?',
      'There are {a} {first} and {b} {second} here. {who} counts all. What is the total?',
    ],
  };
});

const gainThenLose = mathKind('gain-then-lose', (random) => {
  const a = random.integer(2, 9);
  const b = random.integer(2, 9);
  const c = random.integer(2, Math.min(a + b - 1, 9));
  return {
    values: { ...drawPersonAndThings(random), a, b, c },
    steps: [
      [a, '+', b],
      [a + b, '-', c],
    ],
    wordings: [
      '{who} has {a} {things}, gets {b} more and loses {c}. How many {things} now?',
      '{who} had {a} {things}, found {b} and gave away {c}. How many are left?',
    ],
  };
});

const groupsOf = mathKind('groups-of', (random) => {
  const a = random.integer(2, 9);
  const b = random.integer(2, 9);
  const things = `${random.pick(mathThings)}s`;
  return {
    values: { a, containers: random.pick(mathContainers), b, things },
    steps: [[a, 'x', b]],
    wordings: [
      'There are {a} {containers} with {b} {things} each. How many {things}?',
      'Each of {a} {containers} holds {b} {things}. How many {things} in all?',
      'We fill {a} {containers} with {b} {things} each. How many {things} do we need?',
    ],
  };
});

const shareEqually = mathKind('share-equally', (random) => {
  const b = random.integer(2, 9);
  const a = b * random.integer(2, 9);
  return {
    values: { ...drawPersonAndThings(random), a, b },
    steps: [[a, '/', b]],
    wordings: [
      '{who} shares {a} {things} among {b} friends. How many does each get?',
      '{who} puts {a} {things} into {b} equal groups. How many are in each group?',
      '{b} people split {a} {things} from {who}. How many for each?',
    ],
  };
});

const howManyMore = mathKind('how-many-more', (random) => {
  const [who = '', other = ''] = random.sample(mathNames, 2);
  const a = random.integer(4, 18);
  const b = random.integer(2, Math.min(a - 1, 9));
  return {
    values: { who, a, things: `${random.pick(mathThings)}s`, other, b },
    steps: [[a, '-', b]],
    wordings: [
      '{who} has {a} {things}. {other} has {b}. How many more does {who} have?',
      '{who} found {a} {things} and {other} found {b}. How many more did {who} find?',
    ],
  };
});

const double = mathKind(
  'double',
  (random) => {
    const a = random.integer(2, 15);
    return {
      values: { ...drawPersonAndThings(random), a },
      steps: [[a, 'x', 2]],
      wordings: [
        '{who} had {a} {things} and now has twice as many. How many is that?',
        '{who} wants double of {a} {things}. How many {things}?',
      ],
    };
  },
  { share: 0.6 },
);

const half = mathKind(
  'half',
  (random) => {
    const a = 2 * random.integer(2, 12);
    return {
      values: { ...drawPersonAndThings(random), a },
      steps: [[a, '/', 2]],
      wordings: [
        '{who} had {a} {things} and sold half. How many {things} are left?',
        '{who} takes half of {a} {things}. How many {things} is that?',
      ],
    };
  },
  { share: 0.6 },
);

const priceTimesCount = mathKind('price-times-count', (random) => {
  const a = random.integer(2, 9);
  const b = random.integer(2, 6);
  return {
    values: { who: random.pick(mathNames), thing: random.pick(mathThings), a, b },
    steps: [[a, 'x', b]],
    wordings: [
      'One {thing} costs {a} dollars. {who} buys {b} of them. How much does {who} pay?',
      '{who} sells a {thing} for {a} dollars. How much do {b} of them cost?',
    ],
  };
});

const sumOfThree = mathKind('sum-of-three', (random) => {
  const [first = '', second = '', third = ''] = random.sample(mathNames, 3);
  const a = random.integer(2, 7);
  const b = random.integer(2, 7);
  const c = random.integer(2, 7);
  return {
    values: { first, a, second, b, third, c, things: `${random.pick(mathThings)}s` },
    steps: [
      [a, '+', b],
      [a + b, '+', c],
    ],
    wordings: [
      '{first} has {a} {things}, {second} has {b} and {third} has {c}. How many together?',
      '{first} brings {a} {things}, {second} {b} and {third} {c}. What is the total?',
    ],
  };
});

const hoursLater = mathKind(
  'hours-later',
  (random) => {
    const a = random.integer(1, 8);
    const b = random.integer(2, Math.min(12 - a, 6));
    return {
      values: { who: random.pick(mathNames), activity: random.pick(mathActivities), a, b },
      steps: [[a, '+', b]],
      wordings: [
        "{who} starts to {activity} at {a} o'clock and stops {b} hours later. At what hour?",
        "It is {a} o'clock. {who} will {activity} for {b} hours. What hour will it be then?",
      ],
    };
  },
  { share: 0.8 },
);

const timesThenAdd = mathKind(
  'times-then-add',
  (random) => {
    const a = random.integer(2, 6);
    const b = random.integer(2, 6);
    const c = random.integer(2, 9);
    return {
      values: {
        who: random.pick(mathNames),
        a,
        containers: random.pick(mathContainers),
        b,
        things: `${random.pick(mathThings)}s`,
        c,
      },
      steps: [
        [a, 'x', b],
        [a * b, '+', c],
      ],
      wordings: [
        '{who} has {a} {containers} with {b} {things} each and {c} more {things}. How many {things}?',
        'In {a} {containers} are {b} {things} each. {who} adds {c} {things}. How many in all?',
      ],
    };
  },
  { share: 0.7, tail: true },
);

const shareThenAdd = mathKind(
  'share-then-add',
  (random) => {
    const b = random.integer(2, 6);
    const a = b * random.integer(2, 9);
    const c = random.integer(2, 9);
    return {
      values: { ...drawPersonAndThings(random), a, b, c },
      steps: [
        [a, '/', b],
        [a / b, '+', c],
      ],
      wordings: [
        '{who} shares {a} {things} among {b} friends. Each already had {c}. How many has each now?',
        '{b} friends split {a} {things} and {who} gives each {c} more. How many has each?',
      ],
    };
  },
  { share: 0.7, tail: true },
);

/** Two-digit sums and differences without a carry: each digit stands alone. */
const twoDigits = mathKind(
  'two-digits',
  (random) => {
    const gains = random.chance(0.5);
    const tens = random.integer(2, 8);
    const ones = random.integer(1, 8);
    const a = 10 * tens + ones;
    const b = gains
      ? 10 * random.integer(1, 9 - tens) + random.integer(0, 9 - ones)
      : 10 * random.integer(1, tens - 1) + random.integer(0, ones);
    return {
      values: { ...drawPersonAndThings(random), direction: gains ? 'more' : 'fewer', a, b },
      steps: [[a, gains ? '+' : '-', b]],
      wordings: [
        'A shop has {a} {things}. {who} has {b} {direction}. How many {things} has {who}?',
        '{who} counts {a} {things} today and {b} {direction} the next day. How many then?',
      ],
    };
  },
  { share: 0.7, tail: true },
);

/** One- and two-step word problems; the answer works the steps out and ends with the number. */
export const mathKinds: readonly TaskKind[] = [
  add,
  subtract,
  buyTwoKinds,
  gainThenLose,
  groupsOf,
  shareEqually,
  howManyMore,
  double,
  half,
  priceTimesCount,
  sumOfThree,
  hoursLater,
  timesThenAdd,
  shareThenAdd,
  twoDigits,
];
