import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/core/random';
import { codingKinds } from '../../../src/eval/tasks/coding';
import { functionNames, listArguments } from '../../../src/eval/tasks/coding-words';
import { drawCodingLine } from '../../../src/eval/tasks/lines-coding';
import { splitOf, type DrawnItem } from '../../../src/eval/tasks/task';
import { drawMany, expectDisjointSplits, expectWellFormed, normalisePrompt } from './domain-checks';

const hasPython = spawnSync('python3', ['--version']).status === 0;
const pythonTitle = hasPython ? '' : ' (skipped: python3 is not on the path)';

/** Whether each source passes its assertions, all judged by one Python process. */
function runPython(cases: readonly { source: string; tests: readonly string[] }[]): boolean[] {
  const script = `
import json, sys
verdicts = []
for case in json.load(sys.stdin):
    try:
        scope = {}
        exec(case['source'], scope)
        for test in case['tests']:
            exec(test, scope)
        verdicts.append(True)
    except Exception:
        verdicts.append(False)
print(json.dumps(verdicts))
`;
  const run = spawnSync('python3', ['-c', script], { input: JSON.stringify(cases) });
  expect(run.stderr.toString()).toBe('');
  return JSON.parse(run.stdout.toString()) as boolean[];
}

function testsOf(item: DrawnItem): readonly string[] {
  return item.check.type === 'python' ? item.check.tests : [];
}

/** What a model that is nearly right might write: one operator, function or number changed. */
const slips: readonly (readonly [from: RegExp, to: string])[] = [
  [/ \+ /, ' - '],
  [/ - /, ' + '],
  [/ \* /, ' + '],
  [/ \* /, ' ** '],
  [/ \*\* /, ' * '],
  [/return -/, 'return '],
  [/\bmax\(/, 'min('],
  [/\bmin\(/, 'max('],
  [/\bsum\(/, 'max('],
  [/\blen\(/, 'str('],
  [/\babs\(/, 'int('],
  [/ > /, ' >= '],
  [/ > /, ' < '],
  [/ < /, ' <= '],
  [/ < /, ' > '],
  [/upper/, 'lower'],
  [/lower/, 'upper'],
  [/\[0\]/, '[-1]'],
  [/\[-1\]/, '[0]'],
  [/\[::-1\]/, ''],
  [/== 0/, '== 1'],
  [/== 1/, '== 0'],
  [/ " \+/, '" +'],
  [/ 1/, ' 2'],
  [/ ([2-8])\b/, ' 9'],
  [/return .*/, 'return None'],
];

describe('coding questions', () => {
  it('are well formed, short, and occur in every split', () => {
    expectWellFormed(codingKinds, 'coding');
    expect(functionNames.length).toBeGreaterThanOrEqual(40);
    expect(new Set(functionNames).size).toBe(functionNames.length);
  });

  it.each(codingKinds)(
    '$id: one line, three assertions, another start than the weak one',
    (kind) => {
      for (const item of drawMany(kind, 1000)) {
        expect(item.answer).toMatch(/^def [a-z]+\([a-z]+(, [a-z]+)?\): return \S.*$/);
        expect(item.weakAnswer).toMatch(/^It is called [a-z]+\.$/);
        expect(testsOf(item).length).toBeGreaterThanOrEqual(3);
      }
    },
  );

  it.runIf(hasPython)(`answers pass in Python, weak answers and slips fail${pythonTitle}`, () => {
    const items = codingKinds.flatMap((kind) => drawMany(kind, 60));
    const right = items.map((item) => ({ source: item.answer, tests: testsOf(item) }));
    runPython(right).forEach((passed, index) => {
      expect(passed, JSON.stringify(right[index])).toBe(true);
    });
    const weak = items.map((item) => ({ source: item.weakAnswer, tests: testsOf(item) }));
    expect(runPython(weak)).not.toContain(true);
    const slipped = items.flatMap((item) =>
      slips
        .map(([from, to]) => ({ source: item.answer.replace(from, to), tests: testsOf(item) }))
        .filter(({ source }) => source !== item.answer),
    );
    expect(slipped.length).toBeGreaterThan(2 * items.length);
    runPython(slipped).forEach((passed, index) => {
      expect(passed, JSON.stringify(slipped[index])).toBe(false);
    });
  });

  it.runIf(hasPython)(`names are neither keywords nor built-in functions${pythonTitle}`, () => {
    const script = `
import builtins, json, keyword, sys
print(json.dumps([n for n in json.load(sys.stdin) if keyword.iskeyword(n) or hasattr(builtins, n)]))
`;
    const names = JSON.stringify([...functionNames, ...listArguments]);
    const run = spawnSync('python3', ['-c', script], { input: names });
    expect(JSON.parse(run.stdout.toString())).toEqual([]);
  });

  it('share no prompt between splits, and no answer', () => {
    expectDisjointSplits(codingKinds, 4000);
    const items = codingKinds.flatMap((kind) => drawMany(kind, 2000));
    const trained = new Set(items.filter((item) => splitOf(item) === 'train').map((i) => i.answer));
    const heldOut = items.filter((item) => splitOf(item) !== 'train');
    expect(heldOut.filter((item) => trained.has(item.answer))).toEqual([]);
  });
});

describe('coding lines', () => {
  it('hold no held-out function', () => {
    const random = new Random(5);
    const lines = new Set(Array.from({ length: 30_000 }, () => drawCodingLine(random)));
    const prompts = new Set([...lines].map(normalisePrompt));
    const heldOut = codingKinds
      .flatMap((kind) => drawMany(kind, 1000))
      .filter((item) => splitOf(item) !== 'train');
    expect(heldOut.length).toBeGreaterThan(300);
    expect(heldOut.filter((item) => lines.has(item.answer))).toEqual([]);
    expect(heldOut.filter((item) => prompts.has(normalisePrompt(item.prompt)))).toEqual([]);
  });
});
