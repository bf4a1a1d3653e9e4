import { describe, expect, it } from 'vitest';
import { specialistColour } from '../../../src/app/state/colours';

const coloursOf = (...ids: string[]): string[] => ids.map((id) => specialistColour(id, ids));

describe('specialistColour', () => {
  it('is that of the domain whose name it has, and none of those for the others', () => {
    expect(coloursOf('coding', 'base+lora', 'math', 'soup')).toEqual([
      'var(--domain-coding)',
      // The second and first of the series are the colours of coding and math.
      'var(--series-2)',
      'var(--domain-math)',
      'var(--series-3)',
    ]);
  });

  it('differs between eight specialists of other names', () => {
    expect(new Set(coloursOf('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h')).size).toBe(8);
    expect(coloursOf('a', 'b')).toEqual(['var(--series-0)', 'var(--series-1)']);
  });
});
