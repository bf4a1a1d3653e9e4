import { describe, expect, it } from 'vitest';
import { pulled } from '../../../src/engine/pulled';

describe('pulled', () => {
  it('yields every value in order and never lets more than two wait', async () => {
    let emitted = 0;
    const source = pulled<number>(async (emit) => {
      for (let value = 0; value < 20; value++) {
        emitted += 1;
        await emit(value);
      }
    });
    const seen: number[] = [];
    for await (const value of source) {
      seen.push(value);
      await new Promise((resolve) => setTimeout(resolve, 1));
      expect(emitted - seen.length).toBeLessThanOrEqual(2);
    }
    expect(seen).toEqual(Array.from({ length: 20 }, (_, index) => index));
  });

  it('passes on what the producer throws, after the values before it', async () => {
    const seen: number[] = [];
    const run = async (): Promise<void> => {
      const source = pulled<number>(async (emit) => {
        await emit(1);
        throw new Error('broken');
      });
      for await (const value of source) seen.push(value);
    };
    await expect(run()).rejects.toThrow('broken');
    expect(seen).toEqual([1]);
  });

  it('ends the producer when the consumer leaves', async () => {
    let ended = '';
    const source = pulled<number>(async (emit, signal) => {
      try {
        for (;;) await emit(1);
      } finally {
        ended = signal.aborted ? 'aborted' : 'running';
      }
    });
    for await (const value of source) {
      expect(value).toBe(1);
      break;
    }
    expect(ended).toBe('aborted');
  });

  it('rejects with the reason of an abort, also while it waits', async () => {
    const controller = new AbortController();
    const source = pulled<number>(async (emit, signal) => {
      await emit(1);
      await new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reject(signal.reason as Error);
        });
      });
    }, controller.signal);
    expect((await source.next()).value).toBe(1);
    const next = source.next();
    controller.abort(new Error('enough'));
    await expect(next).rejects.toThrow('enough');
  });
});
