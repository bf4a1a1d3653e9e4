import type { Program, Step } from './program';

const varyingLeaves: readonly Step['op'][] = [
  'base',
  'specialist',
  'column',
  'elementIndex',
  'randomBits',
];

/** For every step whether it is the same for all elements. */
export function invariantSteps({ steps }: Program): readonly boolean[] {
  const isInvariant: boolean[] = [];
  for (const { op, args } of steps) {
    isInvariant.push(!varyingLeaves.includes(op) && args.every((arg) => isInvariant[arg] === true));
  }
  return isInvariant;
}

/** How often every step is needed. */
export function useCountsOf({ steps, outputs }: Program): readonly number[] {
  const counts = steps.map(() => 0);
  for (const arg of [...steps.flatMap(({ args }) => args), ...outputs]) {
    counts[arg] = (counts[arg] ?? 0) + 1;
  }
  return counts;
}

const largestWord = 0xffffffff;

/**
 * For every step of type u32 a bound that its value never exceeds, and for a float made of a word that
 * of its bits; for others that of any word.
 */
export function upperBounds({ steps }: Program): readonly number[] {
  const bounds: number[] = [];
  for (const step of steps) {
    const [a = largestWord, b = largestWord, c = largestWord] = step.args.map((arg) => bounds[arg]);
    const isWord = step.type === 'u32' || step.op === 'fromBits';
    bounds.push(isWord ? boundOf(step, steps[step.args[0] ?? 0], [a, b, c]) : largestWord);
  }
  return bounds;
}

function boundOf(
  { op, value }: Step,
  first: Step | undefined,
  [a, b, c]: readonly [number, number, number],
): number {
  switch (op) {
    case 'constant':
      return value;
    case 'bits':
    case 'fromBits':
      return a;
    case 'sub':
      // A constant from which no more is taken than it is.
      return first?.op === 'constant' && b <= first.value ? first.value : largestWord;
    case 'and':
    case 'min':
      return Math.min(a, b);
    case 'max':
      return Math.max(a, b);
    case 'select':
      return Math.max(b, c);
    case 'shiftRight':
      return a >>> value;
    default:
      return largestWord;
  }
}
