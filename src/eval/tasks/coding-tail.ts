import { codingKind } from './coding-kind';
import { functionNames, listArguments, numberArguments } from './coding-words';
import type { TaskKind } from './task';

const digits: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

const twoOperations = codingKind(
  'two-operations',
  (random) => {
    const arg = random.pick(numberArguments);
    const c = random.integer(2, 9);
    const d = random.integer(1, 9);
    const plus = random.chance(0.5);
    return {
      values: { name: random.pick(functionNames), arg, c, sign: plus ? 'plus' : 'minus', d },
      parameters: [arg],
      expression: `${arg} * ${String(c)} ${plus ? '+' : '-'} ${String(d)}`,
      wordings: ['{arg} times {c} {sign} {d}', '{c} times {arg}, {sign} {d}'],
      calls: [4, 0, -3].map((input) => [
        String(input),
        String(plus ? input * c + d : input * c - d),
      ]),
    };
  },
  { share: 0.8, tail: true },
);

const fallBack = codingKind(
  'fall-back',
  (random) => {
    const arg = random.pick(numberArguments);
    const c = random.integer(1, 9);
    // Not next to the limit: "x if x > 6 else 6" and "x if x > 5 else 6" are the same function.
    const d = random.pick(digits.filter((digit) => Math.abs(digit - c) > 1));
    const greater = random.chance(0.5);
    return {
      values: { name: random.pick(functionNames), arg, which: greater ? 'greater' : 'less', c, d },
      parameters: [arg],
      expression: `${arg} if ${arg} ${greater ? '>' : '<'} ${String(c)} else ${String(d)}`,
      wordings: [
        '{arg} if {arg} is {which} than {c}, else {d}',
        '{arg} when it is {which} than {c}, else {d}',
      ],
      // Inputs far from and next to the limit: one alone could agree with `d` by chance.
      calls: [c - 3, c - 1, c, c + 1, c + 15].map((input) => [
        String(input),
        String((greater ? input > c : input < c) ? input : d),
      ]),
    };
  },
  { share: 0.8, tail: true },
);

const everyItem = codingKind(
  'every-item',
  (random) => {
    const arg = random.pick(listArguments);
    const c = random.integer(2, 9);
    const operation = random.pick(['plus', 'minus', 'times'] as const);
    const symbol = { plus: '+', minus: '-', times: '*' }[operation];
    const apply = {
      plus: (value: number) => value + c,
      minus: (value: number) => value - c,
      times: (value: number) => value * c,
    }[operation];
    const lists = [[1, 2, 3], [10, 7], []];
    return {
      values: { name: random.pick(functionNames), arg, operation, c },
      parameters: [arg],
      expression: `[i ${symbol} ${String(c)} for i in ${arg}]`,
      wordings: [
        'every item of {arg} {operation} {c}',
        'a list with each item of {arg} {operation} {c}',
      ],
      calls: lists.map((list) => [`[${list.join(', ')}]`, `[${list.map(apply).join(', ')}]`]),
    };
  },
  { share: 0.8, tail: true },
);

const keepItems = codingKind(
  'keep-items',
  (random) => {
    const arg = random.pick(listArguments);
    const c = random.integer(1, 9);
    const greater = random.chance(0.5);
    const lists = [[c - 1, c, c + 1], [c + 4, c - 3], []];
    return {
      values: { name: random.pick(functionNames), arg, which: greater ? 'greater' : 'less', c },
      parameters: [arg],
      expression: `[i for i in ${arg} if i ${greater ? '>' : '<'} ${String(c)}]`,
      wordings: [
        'the items of {arg} {which} than {c}',
        'each item of {arg} that is {which} than {c}',
      ],
      calls: lists.map((list) => [
        `[${list.join(', ')}]`,
        `[${list.filter((item) => (greater ? item > c : item < c)).join(', ')}]`,
      ]),
    };
  },
  { share: 0.8, tail: true },
);

/** Harder coding kinds: two operations, a condition, and lists built from lists. */
export const codingTailKinds: readonly TaskKind[] = [twoOperations, fallBack, everyItem, keepItems];
