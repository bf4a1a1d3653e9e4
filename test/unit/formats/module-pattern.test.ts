import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileModulePattern } from '../../../src/formats/module-pattern';

const names = [
  'model.layers.0.self_attn.q_proj',
  'model.layers.11.mlp.down_proj',
  'q_proj',
  'lm_head',
  'xq_proj',
  'a.b',
  'aab',
  '',
];

describe('compileModulePattern', () => {
  it.each([
    ['q_proj', [0, 2]],
    ['self_attn\\.(q|k)_proj', [0]],
    ['^model.layers.0.+', [0]],
    ['layers\\.\\d+\\.mlp\\..*', [1]],
    ['[^.]*_proj', [0, 1, 2, 4]],
    ['layers\\.\\d{2}\\.mlp\\.down_proj', [1]],
    ['(?:a*)+b', [5, 6]],
    ['', [7]],
    ['$^', [7]],
    ['[a-]+b', [6]],
  ] as const)('matches %s as PEFT does', (text, expected) => {
    const pattern = compileModulePattern(text);
    const fitting = names.flatMap((name, index) => (pattern?.matches(name) ? [index] : []));
    expect(fitting).toEqual(expected);
  });

  it.each(['(', ')', '[', 'a**', '*', '(?=a)', '(?P<n>a)', '\\1', '\\', 'a{3,2}', '[b-a]', '^*'])(
    'refuses %s',
    (text) => {
      expect(compileModulePattern(text)).toBeUndefined();
    },
  );

  it('refuses what grows too large, and takes no time for what RegExp never ends with', () => {
    expect(compileModulePattern('((a{200}){200}){200}')).toBeUndefined();
    const name = `${'a'.repeat(1000)}!`;
    expect(compileModulePattern('(a+)+$')?.matches(name)).toBe(false);
    expect(compileModulePattern('(a|a)*b')?.matches(name)).toBe(false);
    expect(compileModulePattern('.*.*.*.*.*.*.*.*x')?.matches(name)).toBe(false);
  });

  it('agrees with RegExp on all that it understands', () => {
    const atom = fc.constantFrom('a', 'b', '.', '\\.', '[ab]', '[^a]', '\\w', '(a|b.)', '(?:ab)');
    const piece = fc.tuple(atom, fc.constantFrom('', '', '?', '*', '+', '{2}', '{0,1}', '+?'));
    const pattern = fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.flat().join(''));
    const name = fc.string({ unit: fc.constantFrom('a', 'b', '.', 'c'), maxLength: 8 });
    fc.assert(
      fc.property(pattern, name, (text, module) => {
        const expected = new RegExp(`^(?:.*\\.)?(?:${text})$`).test(module);
        expect(compileModulePattern(text)?.matches(module)).toBe(expected);
      }),
      { numRuns: 3000, seed: 1 },
    );
  });
});
