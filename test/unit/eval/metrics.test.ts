import { describe, expect, it } from 'vitest';
import {
  flooredPerformance,
  mergeMetrics,
  normalisedPerformance,
  scoredDomains,
} from '../../../src/eval/metrics';

describe('mergeMetrics', () => {
  // OrthoMerge table 2 (Llama-3.2-3B): base, the specialists' own domains, Task Arithmetic; its
  // mean of merged over specialist is 0.640.
  const base = {
    instruction: 0.0758,
    math: 0.2851,
    coding: 0.2744,
    multilingual: 0.4072,
    safety: 0.3141,
  };
  const own = {
    instruction: 0.3956,
    math: 0.6983,
    coding: 0.4433,
    multilingual: 0.4173,
    safety: 0.8046,
  };
  const merged = {
    instruction: 0.1053,
    math: 0.404,
    coding: 0.3722,
    multilingual: 0.4226,
    safety: 0.404,
  };

  it('agrees with a published normalised performance', () => {
    const metrics = mergeMetrics(merged, base, own);
    // Printed with three decimals.
    expect(Math.abs((metrics.normalised ?? 0) - 0.64)).toBeLessThanOrEqual(5e-4);
    // The table's own mean of the five.
    expect(metrics.multiTask01).toBeCloseTo(0.3416, 4);
  });

  it('leaves domains out of the floored mean where the specialist gained next to nothing', () => {
    const metrics = mergeMetrics(merged, base, own);
    expect(metrics.byDomain.multilingual?.floored).toBeUndefined();
    expect(metrics.byDomain.multilingual?.normalised).toBeCloseTo(0.4226 / 0.4173, 12);
    const rest = scoredDomains.filter((domain) => domain !== 'multilingual');
    const mean =
      rest.reduce((sum, domain) => sum + (metrics.byDomain[domain]?.floored ?? Number.NaN), 0) / 4;
    expect(metrics.floored).toBeCloseTo(mean, 12);
  });

  it('gives 1 for the specialists themselves and 0 floored for the base', () => {
    expect(mergeMetrics(own, base, own)).toMatchObject({ normalised: 1, floored: 1 });
    expect(mergeMetrics(base, base, own).floored).toBe(0);
  });

  it('measures forgetting on general', () => {
    const metrics = mergeMetrics({ general: 0.6 }, { general: 0.8 }, {});
    expect(metrics.forgetting01).toBeCloseTo(0.2, 12);
    expect(metrics.retention).toBeCloseTo(0.75, 12);
  });

  it('gives no mean while a domain is missing', () => {
    const metrics = mergeMetrics({ math: 0.5 }, base, own);
    expect(metrics.normalised).toBeUndefined();
    expect(metrics.multiTask01).toBeUndefined();
    expect(metrics.forgetting01).toBeUndefined();
    expect(metrics.byDomain.math?.normalised).toBeCloseTo(0.5 / 0.6983, 12);
  });
});

describe('ratios', () => {
  it('are undefined where the divisor is nothing', () => {
    expect(normalisedPerformance(0.5, 0)).toBeUndefined();
    expect(normalisedPerformance(0, 0.5)).toBe(0);
    expect(flooredPerformance(0.5, 0.5, 0.46)).toBeUndefined();
    expect(flooredPerformance(0.5, 0.4, 0.6)).toBeUndefined();
    expect(flooredPerformance(0.1, 0.9, 0.2)).toBeCloseTo(-1 / 7, 12);
  });
});
