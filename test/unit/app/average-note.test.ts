import { describe, expect, it } from 'vitest';
import { averageNote, averagesNote } from '../../../src/app/state/average-note';
import { knownMethod, methods } from '../../../src/app/state/methods';
import { methods as registry } from '../../../src/methods/registry';

describe('averageNote', () => {
  it('says what an average of many leaves of each', () => {
    expect(averageNote(knownMethod('linear'), 5)).toContain('about 1/5 of what it learned');
  });

  it('is silent about two specialists, and about methods that add up', () => {
    expect(averageNote(knownMethod('linear'), 2)).toBe('');
    expect(averageNote(knownMethod('task_arithmetic'), 5)).toBe('');
  });

  it('is told of every method that states to be an average', () => {
    const stated = registry.filter(({ isAverage }) => isAverage === true).map(({ id }) => id);
    expect(stated).toContain('karcher');
    expect(methods.filter((method) => averageNote(method, 3) !== '').map(({ id }) => id)).toEqual(
      stated,
    );
  });
});

describe('averagesNote', () => {
  it('names the averages of a comparison, and says nothing without any', () => {
    const note = averagesNote([knownMethod('linear'), knownMethod('ram')], 4);
    expect(note).toContain('about 1/4');
    expect(note).toContain(`${knownMethod('linear').title}, ${knownMethod('ram').title}`);
    expect(averagesNote([], 4)).toBe('');
  });
});
