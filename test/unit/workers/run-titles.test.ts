import { describe, expect, it } from 'vitest';
import { freeTitle, withoutCount } from '../../../src/workers/run-titles';

describe('freeTitle', () => {
  it('keeps a title that is free, also one with a count', () => {
    expect(freeTitle('TIES', [])).toBe('TIES');
    expect(freeTitle('TIES (4)', ['TIES'])).toBe('TIES (4)');
  });

  it('counts on from a title that is taken, and fills gaps', () => {
    expect(freeTitle('TIES', ['TIES'])).toBe('TIES (2)');
    expect(freeTitle('TIES (2)', ['TIES', 'TIES (2)'])).toBe('TIES (3)');
    expect(freeTitle('TIES', ['TIES', 'TIES (3)'])).toBe('TIES (2)');
  });

  it('takes only a count at the end off', () => {
    expect(withoutCount('TIES (12)')).toBe('TIES');
    expect(withoutCount('TIES (a) of (2) models')).toBe('TIES (a) of (2) models');
  });
});
