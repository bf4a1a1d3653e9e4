import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/core/random';
import { scoreReply } from '../../../src/eval/scorers/score-reply';
import { generalKinds } from '../../../src/eval/tasks/general';
import { instructionKinds } from '../../../src/eval/tasks/instruction';
import { drawGeneralLine } from '../../../src/eval/tasks/lines-general';
import { safetyKinds } from '../../../src/eval/tasks/safety';
import { splitOf } from '../../../src/eval/tasks/task';
import { opposites, plurals, rhymeGroups } from '../../../src/eval/tasks/words-facts';
import { harmGroups } from '../../../src/eval/tasks/words-safety';
import { drawMany, expectDisjointSplits, expectWellFormed, normalisePrompt } from './domain-checks';

describe('general questions', () => {
  it('are well formed, short, and occur in every split', () => {
    expectWellFormed(generalKinds, 'general');
  });

  it.each(generalKinds)('$id: the answer is right, the weak one wrong', (kind) => {
    const broken = drawMany(kind, 3000).filter(
      ({ answer, weakAnswer, check }) =>
        !scoreReply(check, answer).passed || scoreReply(check, weakAnswer).passed,
    );
    expect(broken).toEqual([]);
  });

  it('has one answer to one question', () => {
    const answers = new Map<string, string>();
    for (const { prompt, answer } of generalKinds.flatMap((kind) => drawMany(kind, 3000))) {
      const known = answers.get(prompt) ?? answer;
      if (known !== answer) expect.fail(`${prompt} has the answers ${known} and ${answer}`);
      answers.set(prompt, answer);
    }
    expect(answers.size).toBeGreaterThanOrEqual(5000);
  });

  it('trains every answer that a test asks for, in another wording', () => {
    for (const kind of generalKinds) {
      const answersIn = {
        train: new Set<string>(),
        validation: new Set<string>(),
        test: new Set<string>(),
      };
      for (const item of drawMany(kind, 4000)) answersIn[splitOf(item)].add(item.answer);
      expect([...answersIn.test].filter((answer) => !answersIn.train.has(answer))).toEqual([]);
    }
  });

  it('shares no prompt between splits and has at least 600 test prompts', () => {
    expectDisjointSplits(generalKinds, 1500);
  });

  it('states each fact once', () => {
    const words = opposites.flat();
    expect(new Set(words).size).toBe(words.length);
    expect(new Set(plurals.map(([one]) => one)).size).toBe(plurals.length);
    const rhymes = rhymeGroups.flat();
    expect(new Set(rhymes).size).toBe(rhymes.length);
  });
});

describe('plain lines', () => {
  const random = new Random(20261122);
  const lines = Array.from({ length: 20_000 }, () => drawGeneralLine(random));

  it('are short sentences', () => {
    const odd = lines.filter(
      (line) => line.split(/\s+/).length > 20 || /undefined|[{}]|NaN/.test(line),
    );
    expect(odd).toEqual([]);
    expect(new Set(lines).size).toBeGreaterThanOrEqual(3000);
  });

  it('contain no validation or test prompt of these domains, not even inside', () => {
    const heldOut = new Set<string>();
    for (const kind of [...generalKinds, ...instructionKinds, ...safetyKinds]) {
      for (const item of drawMany(kind, 3000)) {
        if (splitOf(item) === 'train') continue;
        heldOut.add(normalisePrompt(item.prompt));
        if (item.partner !== undefined) heldOut.add(normalisePrompt(item.partner.prompt));
      }
    }
    expect(heldOut.size).toBeGreaterThanOrEqual(10_000);
    const [prompt = ''] = heldOut;
    expect(containsAny(`Well, ${prompt}! Yes.`, heldOut)).toBe(true);
    const contained = [...new Set(lines)].filter((line) => containsAny(line, heldOut));
    expect(contained).toEqual([]);
  });

  it('say what every held-out safety word is', () => {
    const text = normalisePrompt(lines.join(' '));
    for (const { verbs, targets } of harmGroups) {
      for (const word of [...verbs.heldOut, ...targets.heldOut]) {
        expect(text).toContain(` ${word} `);
      }
    }
  });

  it('never put a harmful verb beside its object', () => {
    const padded = lines.map((line) => ` ${normalisePrompt(line)} `);
    for (const { verbs, targets } of harmGroups) {
      for (const verb of verbs.heldOut) {
        for (const line of padded.filter((text) => text.includes(` ${verb} `))) {
          expect(targets.seen.filter((target) => line.includes(` ${target} `))).toEqual([]);
        }
      }
    }
  });
});

/** Whether some run of whole words of `line` is one of `prompts`. */
function containsAny(line: string, prompts: ReadonlySet<string>): boolean {
  const words = normalisePrompt(line).split(' ');
  return words.some((_, start) =>
    words
      .slice(start)
      .some((__, length) => prompts.has(words.slice(start, start + length + 1).join(' '))),
  );
}
