import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../../src/core/random';
import { allKinds, specialistDomains } from '../../../src/eval/tasks/index';
import type { EvalItem } from '../../../src/eval/tasks/mix-items';
import {
  createGuard,
  drawAllItems,
  learningRecords,
  settlingRecords,
  specialistRecords,
} from '../../../src/eval/tasks/mix-recipe';
import type { TrainingRecord } from '../../../src/eval/tasks/mix-record';
import { drawFromSplit } from '../../../src/eval/tasks/task';

const learningCount = 24_000;
const settlingCount = 8_000;
const specialistCount = 2_000;
/** Shorter answers ("Monday", "12") are words and facts that all splits share. */
const telltaleLength = 12;

function normalise(text: string): string {
  return (text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).join(' ');
}

function promptOf(prefix: string): string {
  return prefix.slice('Q: '.length, -'\nA:'.length);
}

describe("the zoo's training text", () => {
  let records: TrainingRecord[] = [];
  let heldOut: EvalItem[] = [];

  beforeAll(() => {
    const guard = createGuard();
    heldOut = [...drawAllItems('test'), ...drawAllItems('validation')];
    records = [
      ...learningRecords(learningCount, guard),
      ...settlingRecords(settlingCount, guard),
      ...specialistDomains.flatMap((domain) => [
        ...specialistRecords(domain, specialistCount, 0.4, guard),
      ]),
    ];
  }, 60_000);

  it('is drawn in the number asked for', () => {
    expect(records).toHaveLength(learningCount + settlingCount + 5 * specialistCount);
  });

  it('asks no held-out question', () => {
    const asked = new Set(
      records.filter((record) => record.prefix !== '').map((record) => promptOf(record.prefix)),
    );
    const prompts = heldOut.flatMap((item) =>
      item.partner ? [item.prompt, item.partner.prompt] : [item.prompt],
    );
    expect(prompts.length).toBeGreaterThan(2 * 6 * 300);
    expect(prompts.filter((prompt) => asked.has(prompt))).toEqual([]);
  });

  it('has no plain line that holds a held-out question or its telltale answer', () => {
    const lines = records
      .filter((record) => record.source.startsWith('lines/'))
      .map((record) => ` ${normalise(record.completion)} `);
    expect(lines.length).toBeGreaterThan(2_000);
    const text = lines.join('\n');
    const holds = (held: string): boolean => text.includes(` ${normalise(held)} `);
    const parts = heldOut.flatMap((item) => (item.partner ? [item, item.partner] : [item]));
    expect(parts.map(({ prompt }) => prompt).filter(holds)).toEqual([]);
    const leaks = heldOut.flatMap(({ kind, answer, partner }) =>
      [answer, ...(partner ? [partner.answer] : [])].filter(
        (held) => held.length >= telltaleLength && holds(held) && !answersTraining(kind, held),
      ),
    );
    expect(leaks).toEqual([]);
  }, 60_000);

  it('would be caught if it asked a held-out question', () => {
    const guard = createGuard();
    const [item] = heldOut;
    if (item === undefined) throw new Error('There are no held-out items');
    const leaked = { source: 'x', completion: ' x', wholeLoss: false };
    expect(guard.allows({ ...leaked, prefix: `Q: ${item.prompt}\nA:` })).toBe(false);
    expect(guard.allows({ ...leaked, prefix: '', completion: `So: ${item.prompt} Yes.` })).toBe(
      false,
    );
    expect(guard.allows({ ...leaked, prefix: 'Q: What is this?\nA:' })).toBe(true);
  });
});

/** Whether a training question of the same kind has this very answer, so that it tells nothing. */
function answersTraining(kindId: string, answer: string): boolean {
  const kind = allKinds.find(({ id }) => id === kindId);
  if (kind === undefined) return false;
  const random = new Random(11);
  for (let count = 0; count < 20_000; count++) {
    const item = drawFromSplit(kind, 'train', random);
    if (item.answer === answer || item.partner?.answer === answer) return true;
  }
  return false;
}
