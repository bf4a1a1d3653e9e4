import { describe, expect, it } from 'vitest';
import { scoreReply } from '../../../src/eval/scorers/score-reply';
import { copyingKinds } from '../../../src/eval/tasks/copying';
import { instructionKinds } from '../../../src/eval/tasks/instruction';
import { shortDescribers, shortThings } from '../../../src/eval/tasks/instruction-format';
import { splitOf } from '../../../src/eval/tasks/task';
import { describers, listInWords, things, withArticle } from '../../../src/eval/tasks/words-things';
import { drawMany, expectDisjointSplits, expectWellFormed } from './domain-checks';

describe('instruction questions', () => {
  it('are well formed, short, and occur in every split', () => {
    expectWellFormed(instructionKinds, 'instruction');
    expect(instructionKinds.filter((kind) => kind.tail === true).length).toBeGreaterThanOrEqual(2);
  });

  it.each(instructionKinds)(
    '$id: the answer keeps the constraints, the weak one breaks one',
    (kind) => {
      // Collected, not asserted one by one: an assertion costs more than a draw.
      const broken = drawMany(kind, 3000).filter(
        ({ check, answer, weakAnswer }) =>
          check.type !== 'constraints' ||
          !scoreReply(check, answer).passed ||
          scoreReply(check, weakAnswer).passed,
      );
      expect(broken).toEqual([]);
    },
  );

  it('never takes the plain remark of an untuned model for right', () => {
    for (const kind of instructionKinds) {
      // The only constraint of this kind is a word to avoid, which most remarks do.
      if (kind.id === 'instruction/avoid-word') continue;
      const lucky = drawMany(kind, 500).filter(
        ({ check, contentKey }) =>
          scoreReply(check, `I like the ${contentKey.split('|')[0] ?? ''} too.`).passed,
      );
      expect(lucky).toEqual([]);
    }
  });

  it('keeps all wordings of one content in one split', () => {
    const splitByContent = new Map<string, string>();
    for (const item of instructionKinds.flatMap((kind) => drawMany(kind, 2000))) {
      const key = `${item.kind}|${item.contentKey}`;
      const split = splitOf(item);
      if ((splitByContent.get(key) ?? split) !== split) expect.fail(`${key} is in two splits`);
      splitByContent.set(key, split);
    }
    expect(splitByContent.size).toBeGreaterThanOrEqual(10_000);
  });

  it('shares no prompt between splits and has at least 600 test prompts', () => {
    expectDisjointSplits(instructionKinds, 1500);
  });

  it('is the same for the same seed', () => {
    for (const kind of instructionKinds) expect(drawMany(kind, 20)).toEqual(drawMany(kind, 20));
  });

  it('draws from wide pools, and spells capitals only with short words', () => {
    expect(new Set(things).size).toBe(things.length);
    expect(new Set(describers).size).toBe(describers.length);
    expect(things.length).toBeGreaterThanOrEqual(150);
    expect(shortThings.length * shortDescribers.length).toBeGreaterThanOrEqual(600);
    expect([...shortThings, ...shortDescribers].every((word) => word.length <= 4)).toBe(true);
  });
});

describe('copying exercises', () => {
  it('are well formed and judged by the text to copy', () => {
    expectWellFormed(copyingKinds, 'copying');
    const broken = copyingKinds
      .flatMap((kind) => drawMany(kind, 500))
      .filter(
        ({ check, prompt, answer, weakAnswer }) =>
          !scoreReply(check, answer).passed ||
          scoreReply(check, weakAnswer).passed ||
          answer.split(/[\s,.]+/).some((word) => !prompt.includes(word)),
      );
    expect(broken).toEqual([]);
  });
});

describe('word helpers', () => {
  it('choose the article by the first letter', () => {
    expect([withArticle('owl'), withArticle('lamp')]).toEqual(['an owl', 'a lamp']);
  });

  it('join a list as English does', () => {
    expect(listInWords([])).toBe('');
    expect(listInWords(['cup'])).toBe('cup');
    expect(listInWords(['cup', 'box'])).toBe('cup and box');
    expect(listInWords(['cup', 'box', 'lamp'])).toBe('cup, box and lamp');
  });
});
