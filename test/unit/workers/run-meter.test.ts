import { afterEach, describe, expect, it, vi } from 'vitest';
import { RunMeter, type RunLive } from '../../../src/workers/run-meter';

afterEach(() => {
  vi.restoreAllMocks();
});

/** A meter whose clock the test moves. */
function meterAt(earlierMs: number): {
  meter: RunMeter;
  told: RunLive[];
  move: (ms: number) => void;
} {
  let nowMs = 1000;
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  const told: RunLive[] = [];
  const meter = new RunMeter(earlierMs, (live) => told.push(live));
  return {
    meter,
    told,
    move: (ms) => {
      nowMs += ms;
    },
  };
}

describe('RunMeter', () => {
  it('counts kept bytes as done, but not into the rate', () => {
    const { meter, move } = meterAt(5000);
    meter.begin(1000);
    meter.count(400, true);
    expect(meter.live).toMatchObject({ doneBytes: 400, totalBytes: 1000, elapsedMs: 5000 });
    expect(meter.live.bytesPerSecond).toBeUndefined();
    meter.count(100, false);
    move(1000);
    meter.count(100, false);
    expect(meter.live).toMatchObject({
      doneBytes: 600,
      elapsedMs: 6000,
      bytesPerSecond: 100,
      leftMs: 4000,
    });
  });

  it('follows the rate of the last seconds', () => {
    const { meter, move } = meterAt(0);
    meter.begin(1e6);
    for (let second = 0; second < 30; second++) {
      move(1000);
      meter.count(second < 15 ? 10_000 : 1000, false);
    }
    expect(meter.live.bytesPerSecond).toBeCloseTo(1000, 6);
  });

  it('tells a new stage at once and bytes a few times a second', () => {
    const { meter, told, move } = meterAt(0);
    meter.begin(1e6);
    meter.enter('Merging');
    meter.enter('Merging');
    expect(told.map(({ stage }) => stage)).toEqual(['Reading headers', 'Merging']);
    for (let slice = 0; slice < 100; slice++) {
      move(10);
      meter.count(1000, false);
    }
    expect(told.length).toBeGreaterThan(5);
    expect(told.length).toBeLessThan(9);
    // A device that was lost begins the output again.
    meter.begin(1e6);
    expect(meter.live.doneBytes).toBe(0);
  });
});
