import { describe, expect, it } from 'vitest';
import { Turns, wasmThreadCount } from '../../../src/model/ort-runtime';

describe('wasmThreadCount', () => {
  it.each([
    [true, 1, 1],
    [true, 2, 1],
    [true, 4, 3],
    [true, 64, 4],
    [false, 8, 1],
  ])('isolated %s with %i cores gives %i', (isolated, cores, threads) => {
    expect(wasmThreadCount(isolated, cores)).toBe(threads);
  });
});

describe('Turns', () => {
  it('never overlaps jobs, keeps their order and survives a failure', async () => {
    const turns = new Turns();
    const seen: string[] = [];
    const job = (name: string, ms: number) => async (): Promise<string> => {
      seen.push(`${name} starts`);
      await new Promise((resolve) => setTimeout(resolve, ms));
      seen.push(`${name} ends`);
      if (name === 'b') throw new Error('b failed');
      return name;
    };
    const results = await Promise.allSettled([
      turns.take(job('a', 20)),
      turns.take(job('b', 1)),
      turns.take(job('c', 5)),
    ]);
    expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(seen).toEqual(['a', 'b', 'c'].flatMap((name) => [`${name} starts`, `${name} ends`]));
  });
});
