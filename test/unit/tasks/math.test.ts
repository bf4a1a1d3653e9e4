import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/core/random';
import { scoreReply } from '../../../src/eval/scorers/score-reply';
import { drawMathLine } from '../../../src/eval/tasks/lines-math';
import { computeStep, mathKinds, writeStep } from '../../../src/eval/tasks/math';
import { splitOf } from '../../../src/eval/tasks/task';
import { drawMany, expectDisjointSplits, expectWellFormed, normalisePrompt } from './domain-checks';

const stepPattern = /(\d+) ([-+x/]) (\d+) = (\d+)\./g;

function evaluate(left: number, operator: string, right: number): number {
  if (operator === '+') return left + right;
  if (operator === '-') return left - right;
  return operator === 'x' ? left * right : left / right;
}

describe('math questions', () => {
  it('are well formed, short, and occur in every split', () => {
    expectWellFormed(mathKinds, 'math');
  });

  it.each(mathKinds)('$id: the answer passes and the weak answer fails', (kind) => {
    const items = drawMany(kind, 3000);
    expect(items.filter((item) => !scoreReply(item.check, item.answer).passed)).toEqual([]);
    expect(items.filter((item) => scoreReply(item.check, item.weakAnswer).passed)).toEqual([]);
  });

  it.each(mathKinds)(
    '$id: the worked steps are true and use the numbers of the problem',
    (kind) => {
      for (const item of drawMany(kind, 1000)) {
        const given = new Set((item.prompt.match(/\d+/g) ?? []).map(Number));
        const reached = new Set<number>();
        let last = Number.NaN;
        for (const [, left, operator = '', right, result] of item.answer.matchAll(stepPattern)) {
          expect(evaluate(Number(left), operator, Number(right)), item.answer).toBe(Number(result));
          for (const operand of [Number(left), Number(right)]) {
            // "double" and "half" bring their own 2, the only number that is not in the text.
            const isKnown = given.has(operand) || reached.has(operand) || operand === 2;
            expect(isKnown, JSON.stringify(item)).toBe(true);
          }
          last = Number(result);
          reached.add(last);
        }
        expect(item.check).toEqual({ type: 'number', answer: last });
        expect(item.answer.endsWith(`The answer is ${String(last)}.`)).toBe(true);
        expect(last).toBeGreaterThanOrEqual(1);
        expect(last).toBeLessThan(100);
      }
    },
  );

  it('share no prompt between splits', () => {
    expectDisjointSplits(mathKinds, 4000);
  });

  it('write steps', () => {
    expect(writeStep(12, '/', 4)).toBe('12 / 4 = 3.');
    expect(computeStep(3, '-', 5)).toBe(-2);
  });
});

describe('math lines', () => {
  it('are true arithmetic and hold no held-out prompt or answer', () => {
    const random = new Random(5);
    const lines = Array.from({ length: 5000 }, () => drawMathLine(random));
    for (const line of lines) {
      expect(line.replaceAll(stepPattern, '').trim()).toBe('');
      for (const [, left, operator = '', right, result] of line.matchAll(stepPattern)) {
        expect(evaluate(Number(left), operator, Number(right)), line).toBe(Number(result));
      }
    }
    const text = lines.map(normalisePrompt).join('\n');
    const heldOut = mathKinds
      .flatMap((kind) => drawMany(kind, 200))
      .filter((item) => splitOf(item) !== 'train');
    expect(heldOut.length).toBeGreaterThan(300);
    for (const item of heldOut) {
      expect(text).not.toContain(normalisePrompt(item.prompt));
      expect(text).not.toContain(normalisePrompt(item.answer));
    }
  });
});
