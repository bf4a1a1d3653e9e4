import { describe, expect, it } from 'vitest';
import { scoreReply } from '../../../src/eval/scorers/score-reply';
import { safetyWordKinds } from '../../../src/eval/tasks/safety-knowledge';
import { safetyKinds } from '../../../src/eval/tasks/safety';
import { refusal, requestFrames, shrug } from '../../../src/eval/tasks/safety-request';
import { splitOf, type DrawnItem } from '../../../src/eval/tasks/task';
import {
  accounts,
  armsGroup,
  buildings,
  careVerbs,
  documents,
  harmGroups,
  kindVerbs,
  persons,
  valuables,
} from '../../../src/eval/tasks/words-safety';
import { drawMany, expectDisjointSplits, expectWellFormed, normalisePrompt } from './domain-checks';

const pools = [
  ...harmGroups.map((group) => group.verbs),
  careVerbs,
  kindVerbs,
  ...[persons, valuables, buildings, accounts, documents, armsGroup.targets],
];
const heldOutWords = pools.flatMap((pool) => pool.heldOut);

/** All that a model sees of a pair, as words with blanks around. */
function textOf(item: DrawnItem): string {
  const { partner } = item;
  return ` ${[item, ...(partner === undefined ? [] : [partner])]
    .flatMap(({ prompt, answer, weakAnswer }) => [prompt, answer, weakAnswer])
    .map(normalisePrompt)
    .join(' ')} `;
}

function hasHeldOutWord(item: DrawnItem): boolean {
  const text = textOf(item);
  return heldOutWords.some((word) => text.includes(` ${word} `));
}

const manyPairs = safetyKinds.flatMap((kind) => drawMany(kind, 2500));

const isHeldOutKind = (id: string): boolean => id.startsWith('safety/held-out-');

describe('safety pairs', () => {
  it('are well formed, short, and occur in every split', () => {
    expectWellFormed(safetyKinds, 'safety');
    for (const kind of safetyKinds) {
      for (const item of drawMany(kind, 300)) {
        expect((item.partner?.prompt ?? '').split(/\s+/).length).toBeLessThanOrEqual(30);
      }
    }
  });

  it.each(safetyKinds)('$id: only a refusal and then a reply win the pair', (kind) => {
    // Collected, not asserted one by one: an assertion costs more than a draw.
    const broken = drawMany(kind, 1500).filter(({ answer, weakAnswer, check, partner }) => {
      if (partner === undefined || check.type !== 'refuse' || partner.check.type !== 'comply') {
        return true;
      }
      const refused = [answer, refusal].every((reply) => scoreReply(check, reply).passed);
      const gaveIn = [weakAnswer, partner.answer].some((reply) => scoreReply(check, reply).passed);
      const helped = scoreReply(partner.check, partner.answer).passed;
      const shrugged = [refusal, shrug, partner.weakAnswer].some(
        (reply) => scoreReply(partner.check, reply).passed,
      );
      return !refused || gaveIn || !helped || shrugged;
    });
    expect(broken).toEqual([]);
  });

  it('shares no prompt between splits, on either side of a pair', () => {
    expectDisjointSplits(safetyKinds, 1500);
    const splitByPrompt = new Map<string, string>();
    for (const item of manyPairs) {
      const split = splitOf(item);
      for (const text of [item.prompt, item.partner?.prompt ?? '']) {
        const prompt = normalisePrompt(text);
        if ((splitByPrompt.get(prompt) ?? split) !== split) expect.fail(`${prompt} is in two`);
        splitByPrompt.set(prompt, split);
      }
    }
    expect(splitByPrompt.size).toBeGreaterThanOrEqual(20_000);
  });

  it('never asks the same question harmfully and harmlessly', () => {
    const harmful = new Set(manyPairs.map((item) => normalisePrompt(item.prompt)));
    const benign = new Set(manyPairs.map((item) => normalisePrompt(item.partner?.prompt ?? '')));
    expect([...benign].filter((prompt) => harmful.has(prompt))).toEqual([]);
  });

  it('keeps held-out verbs and objects out of every training pair', () => {
    expect(heldOutWords.length).toBeGreaterThanOrEqual(30);
    const misplaced = manyPairs.filter(
      (item) => hasHeldOutWord(item) !== (splitOf(item) !== 'train' && isHeldOutKind(item.kind)),
    );
    expect(misplaced).toEqual([]);
  });

  it('gives held-out words 15 to 20 % of the pairs', () => {
    const shareOf = (kinds: typeof safetyKinds): number =>
      kinds.reduce((sum, kind) => sum + (kind.share ?? 1), 0);
    const heldOut = safetyKinds.filter((kind) => isHeldOutKind(kind.id));
    expect(heldOut.every((kind) => kind.tail === true)).toBe(true);
    const fraction01 = shareOf(heldOut) / shareOf(safetyKinds);
    expect(fraction01).toBeGreaterThanOrEqual(0.15);
    expect(fraction01).toBeLessThanOrEqual(0.2);
  });

  it('draws from wide pools', () => {
    const verbs = harmGroups.flatMap(({ verbs: { seen, heldOut } }) => [...seen, ...heldOut]);
    const objects = pools.slice(-6).flatMap(({ seen, heldOut }) => [...seen, ...heldOut]);
    expect(new Set(verbs).size).toBeGreaterThanOrEqual(25);
    expect(new Set(objects).size).toBe(objects.length);
    expect(objects.length).toBeGreaterThanOrEqual(60);
    expect(new Set(requestFrames).size).toBeGreaterThanOrEqual(12);
  });
});

describe('questions about safety words', () => {
  const questions = safetyWordKinds.flatMap((kind) => drawMany(kind, 3000));

  it('are answered by the given answer only', () => {
    const broken = questions.filter(
      ({ check, answer, weakAnswer }) =>
        !scoreReply(check, answer).passed || scoreReply(check, weakAnswer).passed,
    );
    expect(broken).toEqual([]);
  });

  it('cover every held-out word in training, and ask nothing that a pair asks', () => {
    const training = questions.filter((item) => splitOf(item) === 'train');
    const text = ` ${training.map((item) => normalisePrompt(item.prompt)).join(' ')} `;
    expect(heldOutWords.filter((word) => !text.includes(` ${word} `))).toEqual([]);
    const pairPrompts = new Set(
      manyPairs.flatMap((item) => [item.prompt, item.partner?.prompt ?? '']).map(normalisePrompt),
    );
    const shared = questions.filter((item) => pairPrompts.has(normalisePrompt(item.prompt)));
    expect(shared).toEqual([]);
  });
});
