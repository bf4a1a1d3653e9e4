import { describe, expect, it } from 'vitest';
import {
  families,
  methods,
  methodsMatching,
  settingsOf,
  startValueOf,
} from '../../../src/app/state/methods';
import {
  choosesParticipants,
  participantsOf,
  withParticipant,
} from '../../../src/app/state/participants';
import { startSetup, type Setup } from '../../../src/app/state/setup';
import type { MethodText } from '../../../src/app/texts/method-text';
import { methods as registry } from '../../../src/methods/registry';
import { equationsOf, mathLinesOf } from '../../../tools/vite/tex-lines';

const ids = ['math', 'coding', 'safety'];

/** A method as the page sees it, with what matters here changed. */
function methodLike(changes: Partial<MethodText>): MethodText {
  const [first] = methods;
  if (first === undefined) throw new Error('there are methods');
  return { ...first, ...changes };
}

describe('method texts', () => {
  it('are there for every method of the registry, in its order', () => {
    expect(methods.map(({ id }) => id)).toEqual(registry.map(({ id }) => id));
    expect(JSON.stringify(methods)).not.toContain('=>');
  });

  it.each(methods.map((method) => [method.id, method] as const))(
    'say what a reader needs: %s',
    (_, method) => {
      expect(families.map(({ id }) => id)).toContain(method.family);
      const sentences = method.idea.match(/[.!?](?=\s|$)/gu) ?? [];
      expect(sentences.length).toBeGreaterThanOrEqual(1);
      expect(method.tryThis).toMatch(/\.$/u);
      expect(mathLinesOf(method.tex).length).toBeGreaterThan(0);
      for (const line of mathLinesOf(method.tex)) expect(line).not.toMatch(/ style=|<merror/u);
    },
  );

  it('tell which methods draw at random', () => {
    const random = methods.filter(({ drawsAtRandom }) => drawsAtRandom).map(({ id }) => id);
    expect(random).toContain('dare_linear');
    expect(random).not.toContain('ties');
  });
});

describe('start values', () => {
  it.each(methods.map((method) => [method.id, method] as const))(
    'lie in the range that the page offers: %s',
    (_, method) => {
      for (const parameter of settingsOf(method)) {
        const start = startValueOf(method, parameter);
        if (parameter.kind !== 'number' || start === undefined) continue;
        expect(start, parameter.name).toBeGreaterThanOrEqual(parameter.range.min);
        expect(start, parameter.name).toBeLessThanOrEqual(parameter.range.max);
      }
    },
  );
});

describe('methodsMatching', () => {
  it.each(['ties', 'TIES', 'yes-no-such-method', 'dare_linear', 'dare linear', 'DARE'])(
    'finds by name, however it is written: %s',
    (query) => {
      const [best] = methodsMatching(query);
      if (query.startsWith('yes')) expect(best).toBeUndefined();
      else expect(best?.id).toContain(query.toLowerCase().replace(' ', '_'));
    },
  );

  it('finds by group and by what the method does, after those found by name', () => {
    const found = methodsMatching('average');
    expect(found.map(({ family }) => family)).toContain('average');
    expect(methodsMatching('vote sign').map(({ id }) => id)).toContain('ties');
  });

  it('finds by what can be set and by who wrote of it', () => {
    const found = methodsMatching('density').map(({ id }) => id);
    expect(found).toEqual(expect.arrayContaining(['ties', 'dare_ties', 'della']));
    expect(methodsMatching('ilharco').map(({ id }) => id)).toContain('task_arithmetic');
  });

  it('puts the group that is called so before methods that only mention the word', () => {
    const families = methodsMatching('spec').map(({ family }) => family);
    expect(families.slice(0, 4)).toEqual(Array.from({ length: 4 }, () => 'spectral'));
    expect(families.length).toBeGreaterThan(4);
  });
});

describe('participants', () => {
  const start: Setup = startSetup(undefined, 'x');
  const two = methodLike({ specialistCount: { min: 2, max: 2 } });
  const unweighted = methodLike({ specialistCount: { min: 2, max: 12 }, parameters: [] });

  it('are all where coefficients decide', () => {
    const all = methodLike({ specialistCount: { min: 1, max: 12 } });
    expect(choosesParticipants(all, ids)).toBe(false);
    expect(participantsOf({ ...start, leftOut: ['math'] }, all, ids)).toEqual(ids);
  });

  it('are the first ones, then those chosen last, where a method takes two', () => {
    expect(participantsOf(start, two, ids)).toEqual(['math', 'coding']);
    const chosen = withParticipant(start, two, ids, 'safety', true);
    expect(participantsOf(chosen, two, ids)).toContain('safety');
    expect(participantsOf(chosen, two, ids)).toHaveLength(2);
    const without = withParticipant(chosen, two, ids, 'safety', false);
    expect(participantsOf(without, two, ids)).toEqual(['math', 'coding']);
  });

  it('can be left out of a method without coefficients, but not below its fewest', () => {
    const without = withParticipant(start, unweighted, ids, 'math', false);
    expect(participantsOf(without, unweighted, ids)).toEqual(['coding', 'safety']);
    expect(withParticipant(without, unweighted, ids, 'coding', false)).toBe(without);
    const again = withParticipant(without, unweighted, ids, 'math', true);
    expect(participantsOf(again, unweighted, ids)).toEqual(ids);
  });
});

describe('formulas', () => {
  it('break between equations, not inside braces or environments', () => {
    expect(equationsOf('a = b, \\quad c = \\frac{1 \\quad 2}{3}, \\quad d')).toEqual([
      'a = b',
      'c = \\frac{1 \\quad 2}{3}',
      'd',
    ]);
    expect(equationsOf('x = \\begin{cases} 1 & a \\quad b \\end{cases}')).toHaveLength(1);
    expect(equationsOf('\\{ a \\quad b \\}')).toHaveLength(2);
  });

  it('become MathML that needs no style attribute', () => {
    const [line] = mathLinesOf('W = \\frac{\\sum_i w_i W_i}{\\sum_i w_i}');
    expect(line).toMatch(/^<math display="block">/u);
    expect(line).toContain('<mfrac>');
    expect(() => mathLinesOf('\\frac{1}{')).toThrow();
  });
});
