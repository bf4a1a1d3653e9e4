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
