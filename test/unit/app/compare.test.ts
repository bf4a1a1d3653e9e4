import { describe, expect, it } from 'vitest';
import { dotOffsets, dotPlot } from '../../../src/app/charts/dot-rows';
import {
  compareColumns,
  nextSorting,
  sortedRows,
  type MeasuredRow,
} from '../../../src/app/state/compare-columns';
import { compareCsv } from '../../../src/app/state/compare-export';
import { compareRows } from '../../../src/app/state/compare-rows';
import { methods } from '../../../src/app/state/methods';
import type { MethodText } from '../../../src/app/texts/method-text';
import { smallCollection } from './collection';

function methodLike(changes: Partial<MethodText>): MethodText {
  const [first] = methods;
  if (first === undefined) throw new Error('there are methods');
  return { ...first, ...changes };
}

/** A measured row with the given mean and time. */
function measured(title: string, mean01: number | undefined, mergeMs: number): MeasuredRow {
  const [row] = compareRows([methodLike({ title })], smallCollection);
  if (row === undefined) throw new Error('one method, one row');
  return {
    row: { ...row, state: 'done', mergeMs },
    metrics: { mean01, normalised: undefined, forgetting01: undefined },
  };
}

const titlesOf = (rows: readonly MeasuredRow[]): string[] =>
  rows.map(({ row }) => row.method.title);

describe('compareRows', () => {
  it('has a recipe for every method of the registry', () => {
    const rows = compareRows(methods, smallCollection);
    expect(rows.map(({ method }) => method.id)).toEqual(methods.map(({ id }) => id));
    for (const { recipe, state, note } of rows) {
      expect(state === 'waiting' ? recipe?.models.length : note).toBeTruthy();
    }
  });

  it('says which models a method takes that merges fewer, and leaves out one that needs more', () => {
    const one = methodLike({ specialistCount: { min: 1, max: 1 } });
    const many = methodLike({ specialistCount: { min: 3, max: 12 } });
    const [first, second] = compareRows([one, many], smallCollection);
    expect(first?.note).toBe('merges math only');
    expect(first?.recipe?.models.map(({ model }) => model)).toEqual(['math']);
    expect(second?.state).toBe('left-out');
    expect(second?.note).toContain('at least 3');
  });
});

describe('sorting', () => {
  const rows = [
    measured('b', 0.5, 30),
    measured('c', undefined, 10),
    measured('A', 0.7, 20),
    measured('d', 0.5, 40),
  ];

  it('puts what is not measured last either way and keeps equal rows in place', () => {
    const mean = (direction: 'ascending' | 'descending'): string[] =>
      titlesOf(sortedRows(rows, { column: 'mean', direction }));
    expect(mean('descending')).toEqual(['A', 'b', 'd', 'c']);
    expect(mean('ascending')).toEqual(['b', 'd', 'A', 'c']);
    const byName = sortedRows(rows, { column: 'method', direction: 'ascending' });
    expect(titlesOf(byName)).toEqual(['A', 'b', 'c', 'd']);
  });

  it('begins with the best and turns at the next press', () => {
    const column = (id: string) => {
      const found = compareColumns.find((candidate) => candidate.id === id);
      if (found === undefined) throw new Error(id);
      return found;
    };
    const first = nextSorting(column('math'), { column: 'mean', direction: 'descending' });
    expect(first).toEqual({ column: 'math', direction: 'descending' });
    expect(nextSorting(column('math'), first).direction).toBe('ascending');
    expect(nextSorting(column('time'), first).direction).toBe('ascending');
  });
});

describe('compareCsv', () => {
  it('quotes what needs it, leaves unmeasured cells empty and has as many cells in each line', () => {
    const csv = compareCsv([measured('Soup, "stirred"', 0.123456789, 12.5)], 'quick');
    const [header = '', line = '', rest] = csv.split('\r\n');
    expect(line).toContain('"Soup, ""stirred"""');
    expect(line).toContain('0.123457');
    expect(line.replace('"Soup, ""stirred"""', 'x').split(',')).toHaveLength(
      header.split(',').length,
    );
    expect(rest).toBe('');
  });

  it('holds measured rows only', () => {
    const waiting = compareRows(methods, smallCollection).map((row) => ({
      row,
      metrics: { mean01: undefined, normalised: undefined, forgetting01: undefined },
    }));
    expect(compareCsv(waiting, 'full').trim().split('\r\n')).toHaveLength(1);
  });
});

describe('dotPlot', () => {
  it('puts dots of one share beside each other and leaves others in the middle', () => {
    expect(dotOffsets([0.5, 0.25, 0.5])).toEqual([-3.5, 0, 3.5]);
    expect(dotOffsets([0, 0, 0, 0, 0])).toEqual([-7, -3.5, 0, 3.5, 7]);
  });

  it('runs from 0 to 1 inside its width, on a phone too', () => {
    for (const widthPx of [320, 1200]) {
      const { xOf, yOf, plotLeftPx, heightPx } = dotPlot(widthPx, 3);
      expect(xOf(0)).toBe(plotLeftPx);
      expect(xOf(1)).toBeLessThanOrEqual(widthPx);
      expect(xOf(7)).toBe(xOf(1));
      expect(yOf(2)).toBeLessThan(heightPx);
    }
  });
});
