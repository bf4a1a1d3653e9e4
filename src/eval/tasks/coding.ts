import type { Random } from '../../core/random';
import { codingKind, pythonBool } from './coding-kind';
import { codingTailKinds } from './coding-tail';
import {
  functionNames,
  greetings,
  listArguments,
  numberArguments,
  textArguments,
} from './coding-words';
import type { TaskKind } from './task';

type Calls = readonly (readonly [call: string, result: string])[];

/** Arguments that tell the operations apart: sums, products and powers of these differ. */
const probes: readonly number[] = [5, 0, -3, 11];

function callsOn(inputs: readonly number[], compute: (value: number) => number): Calls {
  return inputs.map((input) => [String(input), String(compute(input))]);
}

function drawNumberFunction(random: Random): { name: string; arg: string } {
  return { name: random.pick(functionNames), arg: random.pick(numberArguments) };
}

const addConstant = codingKind('add-constant', (random) => {
  const { name, arg } = drawNumberFunction(random);
  const c = random.integer(1, 20);
  return {
    values: { name, arg, c },
    parameters: [arg],
    expression: `${arg} + ${String(c)}`,
    wordings: ['{arg} plus {c}', '{c} more than {arg}'],
    calls: callsOn(probes, (value) => value + c),
  };
});

const subtractConstant = codingKind('subtract-constant', (random) => {
  const { name, arg } = drawNumberFunction(random);
  const c = random.integer(1, 20);
  return {
    values: { name, arg, c },
    parameters: [arg],
    expression: `${arg} - ${String(c)}`,
    wordings: ['{arg} minus {c}', '{c} less than {arg}'],
    calls: callsOn(probes, (value) => value - c),
  };
});

const multiply = codingKind('multiply', (random) => {
  const { name, arg } = drawNumberFunction(random);
  const c = random.integer(2, 20);
  return {
    values: { name, arg, c },
    parameters: [arg],
    expression: `${arg} * ${String(c)}`,
    wordings: ['{arg} times {c}', '{c} times {arg}'],
    calls: callsOn(probes, (value) => value * c + 0),
  };
});

const power = codingKind(
  'power',
  (random) => {
    const { name, arg } = drawNumberFunction(random);
    const c = random.integer(2, 4);
    const wordings = ['{arg} to the power {c}', 'the power {c} of {arg}'];
    if (c === 2) wordings.push('{arg} squared');
    if (c === 3) wordings.push('{arg} cubed');
    return {
      values: { name, arg, c },
      parameters: [arg],
      expression: `${arg} ** ${String(c)}`,
      wordings,
      calls: callsOn(probes, (value) => value ** c),
    };
  },
  { share: 0.8 },
);

const largerOrSmaller = codingKind('larger-or-smaller', (random) => {
  const [first = '', second = ''] = random.sample(numberArguments, 2);
  const larger = random.chance(0.5);
  const choose = larger ? Math.max : Math.min;
  const pairs = [
    [3, 8],
    [9, 2],
    [-4, -6],
  ] as const;
  return {
    values: {
      name: random.pick(functionNames),
      first,
      second,
      which: larger ? 'larger' : 'smaller',
    },
    parameters: [first, second],
    expression: `${larger ? 'max' : 'min'}(${first}, ${second})`,
    wordings: ['the {which} of {first} and {second}', 'the {which} one of {first} and {second}'],
    calls: pairs.map(([a, b]) => [`${String(a)}, ${String(b)}`, String(choose(a, b))]),
  };
});

const divisible = codingKind('divisible', (random) => {
  const { name, arg } = drawNumberFunction(random);
  // From 3 on: divisible by 2 is even, which another kind asks for.
  const c = random.integer(3, 9);
  return {
    values: { name, arg, c },
    parameters: [arg],
    expression: `${arg} % ${String(c)} == 0`,
    wordings: ['whether {arg} is divisible by {c}', 'whether {c} divides {arg}'],
    calls: [c, 3 * c, c + 1, 5 * c - 1].map((input) => [
      String(input),
      pythonBool(input % c === 0),
    ]),
  };
});

const evenOrOdd = codingKind(
  'even-or-odd',
  (random) => {
    const { name, arg } = drawNumberFunction(random);
    const even = random.chance(0.5);
    return {
      values: { name, arg, which: even ? 'even' : 'odd' },
      parameters: [arg],
      expression: `${arg} % 2 == ${even ? '0' : '1'}`,
      wordings: ['whether {arg} is {which}', 'True if {arg} is {which}'],
      calls: [4, 7, 10, 1].map((input) => [String(input), pythonBool((input % 2 === 0) === even)]),
    };
  },
  { share: 0.8 },
);

const greet = codingKind('greet', (random) => {
  const arg = random.pick(textArguments);
  const word = random.pick(greetings);
  return {
    values: { name: random.pick(functionNames), arg, word },
    parameters: [arg],
    expression: `"${word} " + ${arg}`,
    wordings: ['{word}, a space and {arg}', '{word} and {arg} with a space between'],
    calls: ['Tom', 'my friend', ''].map((text) => [`"${text}"`, `"${word} ${text}"`]),
  };
});

const countItems = codingKind(
  'count-items',
  (random) => {
    const isText = random.chance(0.5);
    const arg = random.pick(isText ? textArguments : listArguments);
    const calls: Calls = isText
      ? [
          ['"apple"', '5'],
          ['""', '0'],
          ['"a b"', '3'],
        ]
      : [
          ['[4, 9, 1]', '3'],
          ['[]', '0'],
          ['[7, 7]', '2'],
        ];
    return {
      values: { name: random.pick(functionNames), arg, what: isText ? 'letters' : 'items' },
      parameters: [arg],
      expression: `len(${arg})`,
      wordings: ['the length of {arg}', 'how long {arg} is'],
      calls,
    };
  },
  { share: 0.8 },
);

const reverse = codingKind(
  'reverse',
  (random) => {
    const isText = random.chance(0.6);
    const arg = random.pick(isText ? textArguments : listArguments);
    const calls: Calls = isText
      ? [
          ['"abc"', '"cba"'],
          ['"note"', '"eton"'],
          ['""', '""'],
        ]
      : [
          ['[1, 2, 3]', '[3, 2, 1]'],
          ['[5, 4]', '[4, 5]'],
          ['[]', '[]'],
        ];
    return {
      values: { name: random.pick(functionNames), arg, what: isText ? 'text' : 'list' },
      parameters: [arg],
      expression: `${arg}[::-1]`,
      wordings: ['{arg} reversed', '{arg} from end to start'],
      calls,
    };
  },
  { share: 0.8 },
);

const letterCase = codingKind('letter-case', (random) => {
  const arg = random.pick(textArguments);
  const upper = random.chance(0.5);
  const texts = ['Red Cup', 'aBc', 'x1'];
  return {
    values: { name: random.pick(functionNames), arg, which: upper ? 'upper' : 'lower' },
    parameters: [arg],
    expression: `${arg}.${upper ? 'upper' : 'lower'}()`,
    wordings: ['{arg} in {which} case', '{arg} with {which} case letters'],
    calls: texts.map((text) => [
      `"${text}"`,
      `"${upper ? text.toUpperCase() : text.toLowerCase()}"`,
    ]),
  };
});

const firstOrLast = codingKind('first-or-last', (random) => {
  const arg = random.pick(listArguments);
  const first = random.chance(0.5);
  const lists = [
    [4, 9, 1],
    [8, 2],
    [3, 5, 6, 7],
  ];
  return {
    values: { name: random.pick(functionNames), arg, which: first ? 'first' : 'last' },
    parameters: [arg],
    expression: `${arg}[${first ? '0' : '-1'}]`,
    wordings: ['the {which} item of {arg}', 'the {which} one of {arg}'],
    calls: lists.map((list) => [`[${list.join(', ')}]`, String(list.at(first ? 0 : -1))]),
  };
});

const totals = { sum: 'the sum of', max: 'the largest of', min: 'the smallest of' } as const;

const listTotal = codingKind('list-total', (random) => {
  const arg = random.pick(listArguments);
  const builtin = random.pick(['sum', 'max', 'min'] as const);
  const lists = [
    [4, 9, 1],
    [2, 2, 8],
    [-5, 3, 0],
  ];
  const compute = {
    sum: (list: readonly number[]) => list.reduce((total, value) => total + value, 0),
    max: (list: readonly number[]) => Math.max(...list),
    min: (list: readonly number[]) => Math.min(...list),
  }[builtin];
  return {
    values: { name: random.pick(functionNames), arg, phrase: totals[builtin] },
    parameters: [arg],
    expression: `${builtin}(${arg})`,
    wordings: ['{phrase} {arg}', '{phrase} all numbers in {arg}'],
    calls: lists.map((list) => [`[${list.join(', ')}]`, String(compute(list))]),
  };
});

const compare = codingKind('compare', (random) => {
  const { name, arg } = drawNumberFunction(random);
  const greater = random.chance(0.5);
  const c = random.integer(1, 20);
  return {
    values: { name, arg, which: greater ? 'greater' : 'less', c },
    parameters: [arg],
    expression: `${arg} ${greater ? '>' : '<'} ${String(c)}`,
    wordings: ['whether {arg} is {which} than {c}', 'True if {arg} is {which} than {c}'],
    calls: [c - 1, c, c + 1].map((input) => [
      String(input),
      pythonBool(greater ? input > c : input < c),
    ]),
  };
});

const sizeOrSign = codingKind(
  'size-or-sign',
  (random) => {
    const { name, arg } = drawNumberFunction(random);
    const size = random.chance(0.5);
    return {
      values: { name, arg, phrase: size ? 'the absolute value' : 'the negative' },
      parameters: [arg],
      expression: size ? `abs(${arg})` : `-${arg}`,
      wordings: ['{phrase} of {arg}', '{phrase} of the number {arg}'],
      calls: callsOn([5, -3, 0], (value) => (size ? Math.abs(value) : 0 - value)),
    };
  },
  { share: 0.8 },
);

/** Small Python functions, answered on one line and judged by running assertions. */
export const codingKinds: readonly TaskKind[] = [
  addConstant,
  subtractConstant,
  multiply,
  power,
  largerOrSmaller,
  divisible,
  evenOrOdd,
  greet,
  countItems,
  reverse,
  letterCase,
  firstOrLast,
  listTotal,
  compare,
  sizeOrSign,
  ...codingTailKinds,
];
