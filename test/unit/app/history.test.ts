import { describe, expect, it } from 'vitest';
import { History } from '../../../src/app/state/history';

function withClock(capacity?: number): { history: History<number>; advance: (ms: number) => void } {
  let nowMs = 0;
  const history = new History(0, {
    now: () => nowMs,
    mergeWithinMs: 500,
    ...(capacity === undefined ? {} : { capacity }),
  });
  return {
    history,
    advance: (ms) => {
      nowMs += ms;
    },
  };
}

describe('History', () => {
  it('goes back and forth through what was recorded', () => {
    const { history } = withClock();
    history.record(1);
    history.record(2);
    expect(history.undo()).toBe(1);
    expect(history.undo()).toBe(0);
    expect(history.canUndo).toBe(false);
    expect(history.undo()).toBe(0);
    expect(history.redo()).toBe(1);
    expect(history.redo()).toBe(2);
    expect(history.canRedo).toBe(false);
  });

  it('forgets what could be redone once something else is recorded', () => {
    const { history } = withClock();
    history.record(1);
    history.undo();
    history.record(5);
    expect(history.canRedo).toBe(false);
    expect(history.undo()).toBe(0);
  });

  it('makes one step of a drag, and two of drags that are apart', () => {
    const { history, advance } = withClock();
    for (const value of [1, 2, 3]) {
      history.record(value, 'math');
      advance(100);
    }
    advance(600);
    history.record(4, 'math');
    expect(history.undo()).toBe(3);
    expect(history.undo()).toBe(0);
  });

  it('keeps different sliders apart, however fast they follow', () => {
    const { history } = withClock();
    history.record(1, 'math');
    history.record(2, 'coding');
    expect(history.undo()).toBe(1);
  });

  it('does not join a step to one that was undone', () => {
    const { history } = withClock();
    history.record(1, 'math');
    history.undo();
    history.record(2, 'math');
    expect(history.undo()).toBe(0);
  });

  it('drops the oldest step beyond its capacity', () => {
    const { history } = withClock(2);
    for (const value of [1, 2, 3]) history.record(value);
    expect([history.undo(), history.undo(), history.undo()]).toEqual([2, 1, 1]);
  });

  it('ignores a value that is the present one', () => {
    const { history } = withClock();
    history.record(0);
    expect(history.canUndo).toBe(false);
  });
});
