import { describe, expect, it } from 'vitest';
import { decideCaching } from '../../../src/store/caching';

const space = { usedBytes: 20e9, quotaBytes: 60e9 };

describe('decideCaching', () => {
  it.each([
    // 33.3 GB with a fifth on top are 40 GB, which is what is free.
    { caching: 'auto', neededBytes: 33.3e9, expected: { caching: 'keep', fits: true } },
    { caching: 'auto', neededBytes: 33.4e9, expected: { caching: 'stream', fits: false } },
    { caching: 'keep', neededBytes: 33.4e9, expected: { caching: 'keep', fits: false } },
    { caching: 'pin', neededBytes: 5e9, expected: { caching: 'pin', fits: true } },
    { caching: 'stream', neededBytes: 5e9, expected: { caching: 'stream', missingBytes: 0 } },
  ] as const)('$caching of $neededBytes bytes', ({ caching, neededBytes, expected }) => {
    expect(decideCaching({ caching, neededBytes, space })).toMatchObject(expected);
  });

  it('counts what is stored already and what eviction can free', () => {
    const question = { caching: 'auto', neededBytes: 40e9, space } as const;
    expect(decideCaching({ ...question, storedBytes: 10e9 })).toMatchObject({
      caching: 'keep',
      neededBytes: 30e9,
      mustEvict: false,
    });
    const evicting = decideCaching({ ...question, evictableBytes: 8e9 });
    expect(evicting).toMatchObject({ caching: 'keep', fits: true, mustEvict: true });
    expect(evicting.sentence).toContain('make room');
    const full = { usedBytes: 60e9, quotaBytes: 60e9 };
    expect(decideCaching({ ...question, storedBytes: 40e9, space: full }).fits).toBe(true);
  });

  it('offers a choice when it does not fit, with what is lacking', () => {
    const decision = decideCaching({ caching: 'auto', neededBytes: 40e9, space });
    expect(decision.missingBytes).toBe(8e9);
    expect(decision.sentence).toBe(
      '40.0 GB do not fit: the browser has room for 40.0 GB, so the models are read from their source as the run needs them.',
    );
    expect(decision.choices.map(({ action }) => action)).toEqual([
      'stream',
      'delete-models',
      'keep-what-fits',
    ]);
    expect(decision.choices[1]?.sentence).toContain('8.0 GB');
  });

  it('keeps what fits where the browser does not tell, or tells a round number', () => {
    const silent = { usedBytes: 0, quotaBytes: 0 };
    const question = { caching: 'auto', neededBytes: 40e9 } as const;
    expect(decideCaching({ ...question, space: silent })).toMatchObject({
      caching: 'keep',
      fits: true,
    });
    const rounded = { usedBytes: 5, quotaBytes: 5 + 10 * 2 ** 30, isRounded: true };
    const decision = decideCaching({ ...question, space: rounded });
    expect(decision).toMatchObject({ caching: 'keep', fits: false });
    expect(decision.sentence).toContain('may not fit');
    expect(decision.choices).not.toHaveLength(0);
  });
});
