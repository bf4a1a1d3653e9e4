import { describe, expect, it } from 'vitest';
import { radarAxes, radarPath } from '../../../src/app/charts/radar-geometry';
import { lessons } from '../../../src/app/lessons/lessons';
import {
  bytesText,
  countText,
  decimalText,
  durationText,
  percentText,
  pointsText,
} from '../../../src/app/state/format';
import { clamped, parsedNumber, rounded } from '../../../src/app/state/numbers';
import { coefficientRange, startSetup } from '../../../src/app/state/setup';
import { smallCollection } from './collection';

describe('numbers as text', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [38_562_816, '38.6 MB'],
    [999_600, '1.0 MB'],
    [2.5e12, '2.5 TB'],
    [Number.NaN, 'unknown size'],
    [-1, 'unknown size'],
  ])('%d bytes is %s', (bytes, text) => {
    expect(bytesText(bytes)).toBe(text);
  });

  it('counts, lasts and compares in words a person uses', () => {
    expect([999, 12_000, 3_213_568, 134_515_008, 1.7e9].map(countText)).toEqual([
      '999',
      '12 k',
      '3.2 M',
      '135 M',
      '1.7 B',
    ]);
    expect([0.2, 31.4, 1400, 125_000].map(durationText)).toEqual([
      'under 1 ms',
      '31 ms',
      '1.4 s',
      '2 min 5 s',
    ]);
    expect([0.874, undefined, Number.NaN].map(percentText)).toEqual(['87 %', '–', '–']);
    expect([0.04, -0.124, 0.001, undefined].map(pointsText)).toEqual(['+4', '−12', '0', '–']);
    expect([-0.5, 1.25, 2].map(decimalText)).toEqual(['−0.5', '1.25', '2']);
  });

  it('reads what a person typed, and nothing that is not a finite number', () => {
    expect(['0.35', ' 2 ', '-1', '1e-2'].map(parsedNumber)).toEqual([0.35, 2, -1, 0.01]);
    expect(['', ' ', 'abc', 'NaN', 'Infinity', '1e999'].map(parsedNumber)).toEqual(
      Array.from({ length: 6 }, () => undefined),
    );
    expect([-3, 0.5, 9].map((value) => clamped(value, coefficientRange))).toEqual([-1, 0.5, 2]);
    expect(rounded(0.1 + 0.2)).toBe(0.3);
  });
});

describe('radar geometry', () => {
  it('starts at the top, goes clockwise and puts labels outside', () => {
    const [top, right] = radarAxes(4, 100, 110);
    expect(top?.x).toBeCloseTo(0, 9);
    expect(top?.y).toBeCloseTo(-100, 9);
    expect(right?.labelX).toBeCloseTo(110, 9);
    expect([top?.anchor, right?.anchor]).toEqual(['middle', 'start']);
  });

  it('draws one closed corner a value and keeps values inside the outer ring', () => {
    const corners = radarPath([1, 0.5, 7], 100).match(/[ML]/gu);
    expect(corners).toHaveLength(3);
    expect(radarPath([7, 7, 7], 100)).toBe(radarPath([1, 1, 1], 100));
    expect(radarPath([0.5, 0.5, 0.5], 100)).toMatch(/Z$/u);
  });
});

describe('lessons', () => {
  it('set coefficients that the sliders can show', () => {
    for (const { trial } of lessons) {
      if (trial === undefined) continue;
      const setup = trial.apply(startSetup(smallCollection, 'linear'));
      for (const value of Object.values(setup.coefficients)) {
        expect(value).toBeGreaterThanOrEqual(coefficientRange.min);
        expect(value).toBeLessThanOrEqual(coefficientRange.max);
      }
      expect(Object.keys(setup.coefficients)).toEqual(['math', 'coding']);
    }
  });
});
