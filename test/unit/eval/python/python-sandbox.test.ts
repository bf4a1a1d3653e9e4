import { afterAll, describe, expect, it } from 'vitest';
import { evaluate } from '../../../../src/eval/evaluate';
import type { ItemResult } from '../../../../src/eval/item-result';
import type { PythonOutcome } from '../../../../src/eval/python/python-protocol';
import type { DomainScore } from '../../../../src/eval/score-keeper';
import { drawAllItems } from '../../../../src/eval/tasks/mix-recipe';
import { exampleItems, TableGenerator } from '../example-items';
import { buildPythonWorker, nodeSandbox } from './node-sandbox';

const worker = await buildPythonWorker();
const { sandbox, startCount } = nodeSandbox(worker);
afterAll(async () => {
  sandbox.close();
  await worker.remove();
});

async function runOne(source: string, ...tests: string[]): Promise<PythonOutcome> {
  const [outcome] = await sandbox.run([{ source, tests }]);
  if (outcome === undefined) throw new Error('no outcome');
  return outcome;
}

describe('PythonSandbox in Node', () => {
  it('passes right code and says which test fails', async () => {
    const missing = await runOne('import numpy', 'assert True');
    expect(missing).toMatchObject({
      errorType: 'ModuleNotFoundError',
      errorMessage: "No module named 'numpy'",
    });
    const source = 'def double(x):\n    return x * 2';
    const outcomes = await sandbox.run([
      { source, tests: ['assert double(2) == 4', 'assert double(0) == 0'] },
      { source, tests: ['assert double(2) == 4', 'assert double(2) == 5'] },
      { source: 'def double(x) return x', tests: ['assert True'] },
      { source: 'return 1', tests: ['assert True'] },
      { source: '', tests: ['assert double(2) == 4'] },
    ]);
    expect(outcomes.map((outcome) => [outcome.status, outcome.errorType])).toEqual([
      ['passed', undefined],
      ['failed-test', 'AssertionError'],
      ['failed-source', 'SyntaxError'],
      ['failed-source', 'SyntaxError'],
      ['failed-test', 'NameError'],
    ]);
    expect(outcomes[1]?.failedTest).toBe('assert double(2) == 5');
  });

  it('runs each candidate in a fresh namespace', async () => {
    await runOne('secret = 1', 'assert secret == 1');
    expect((await runOne('', 'assert secret == 1')).errorType).toBe('NameError');
  });

  it('puts built-ins and modules back', async () => {
    const sabotage = `
import builtins, math, json, sys, re
builtins.len = lambda x: 0
builtins.planted = 1
math.floor = lambda x: 7
math.planted = 1
sys.modules.pop('re')
sys.setrecursionlimit(100000)
sys.path.clear()
`;
    expect((await runOne(sabotage, 'assert len([1]) == 1')).status).toBe('passed');
    const after = await runOne(
      'import math, re, colorsys, sys',
      'assert len([1]) == 1 and math.floor(1.5) == 1',
      'assert not hasattr(math, "planted")',
      'assert sys.getrecursionlimit() < 100000',
      'planted',
    );
    expect(after).toMatchObject({ failedTest: 'planted', errorType: 'NameError' });
  });

  describe.each([
    ['exit in the source', 'exit()'],
    ['sys.exit', 'import sys\nsys.exit(0)'],
    ['raise SystemExit', 'raise SystemExit'],
    ['os._exit', 'import os\nos._exit(0)'],
    ['posix._exit', 'import posix\nposix._exit(0)'],
    ['exit inside the function', 'def f(x):\n    raise SystemExit(0)'],
    ['KeyboardInterrupt', 'raise KeyboardInterrupt'],
    [
      'a replaced AssertionError',
      'class AssertionError(BaseException):\n    pass\ndef f(x): return 0',
    ],
    [
      'a replaced AssertionError in builtins',
      'import builtins\nbuiltins.AssertionError = None\ndef f(x): return 0',
    ],
    ['a replaced exec', 'import builtins\nbuiltins.exec = lambda *a: None\ndef f(x): return 0'],
    [
      'a replaced compile',
      'import builtins\nbuiltins.compile = lambda *a, **k: "1"\ndef f(x): return 0',
    ],
    ['a removed __builtins__', '__builtins__ = {}\ndef f(x): return 0'],
    [
      'an error whose text raises',
      'class E(Exception):\n    def __str__(self): exit()\ndef f(x): raise E()',
    ],
    [
      'an error whose class has a strange name',
      'E = type("A" * 10**6, (Exception,), {})\ndef f(x): raise E("x" * 10**6)',
    ],
    ['a trace function', 'import sys\nsys.settrace(lambda *a: exit())\ndef f(x): return 0'],
    ['endless recursion', 'def f(x): return f(x)'],
    ['deep nesting', 'def f(x): return ' + '('.repeat(10_000) + '1' + ')'.repeat(10_000)],
    ['a closed output', 'import sys\nsys.stdout.close()\nsys.stderr.close()\ndef f(x): return 0'],
    [
      'closed descriptors',
      'import os\nopen(1, "w").close()\nos.close(2)\nsys.exit()\ndef f(x): return 0',
    ],
    ['input', 'def f(x): return int(input())'],
    ['import js', 'import js'],
    ['import js after clearing the guard', 'import sys\nsys.meta_path.pop(0)\nimport js'],
    ['pyodide.code.run_js', 'from pyodide.code import run_js\nrun_js("1")'],
    ['_pyodide_core', 'import _pyodide_core'],
    [
      'JavaScript through _pyodide_core after clearing the guard',
      `
import sys
sys.meta_path.pop(0)
import _pyodide_core
def f(x):
    array = _pyodide_core.to_js([1])
    return array.constructor.constructor("return 1")()
`,
    ],
    ['micropip', 'import micropip'],
    ['ctypes', 'import ctypes'],
    ['socket', 'import socket\nsocket.create_connection(("127.0.0.1", 1))'],
    ['urllib', 'import urllib.request\nurllib.request.urlopen("http://127.0.0.1:1/")'],
    ['os.system', '__import__("os").system("echo hacked")'],
    ['os.popen', '__import__("os").popen("echo hacked").read()'],
    ['subprocess', 'import subprocess\nsubprocess.run(["echo"])'],
    ['the host file system', 'open("/etc/passwd").read()'],
    ['a memory bomb', 'x = "x" * 10**9'],
    ['a growing memory bomb', 'x = []\nwhile True: x.append("x" * 10**7)'],
    ['a file bomb', 'f = open("/tmp/x", "wb")\nwhile True: f.write(b"x" * 10**7)'],
    ['a sparse file bomb', 'f = open("/tmp/y", "wb")\nf.truncate(4 * 10**9)'],
    ['a thread', 'import threading\nthreading.Thread(target=print).start()'],
  ])('%s', (_name, source) => {
    it('is a failure and leaves a working interpreter', async () => {
      const outcome = await runOne(source, 'assert f(1) == 1');
      expect(['failed-source', 'failed-test']).toContain(outcome.status);
      expect(outcome.errorMessage?.length ?? 0).toBeLessThanOrEqual(300);
      expect((await runOne('def f(x): return x', 'assert f(1) == 1')).status).toBe('passed');
    });
  });

  it('has needed one worker for all of the above', () => {
    expect(startCount()).toBe(1);
  });

  it('keeps the start of huge output and drops the rest', async () => {
    const outcome = await runOne('for i in range(10**5): print("spam" * 10)', 'assert True');
    expect(outcome.status).toBe('passed');
    expect(outcome.output).toHaveLength(2000);
    expect(outcome.output.startsWith('spamspam')).toBe(true);
    expect((await runOne('print("next")', 'assert True')).output).toBe('next\n');
  });

  it('runs equal candidates once', async () => {
    const candidate = { source: 'import time\nt = time.time()', tests: ['assert t'] };
    const [first, second] = await sandbox.run([candidate, { ...candidate }]);
    expect(second).toBe(first);
  });

  it('interrupts an endless loop and goes on in the same worker', async () => {
    const before = startCount();
    const outcomes = await sandbox.run([
      { source: 'while True: pass', tests: ['assert True'] },
      { source: 'def f(): return 1', tests: ['assert f() == 1'] },
    ]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['timeout', 'passed']);
    expect(startCount()).toBe(before);
  });

  it('ends a loop that swallows the interrupt, and one inside C code, with their workers', async () => {
    const impatient = nodeSandbox(worker, { interruptGraceMs: 300 });
    const outcomes = await impatient.sandbox.run([
      {
        source: 'while True:\n  try:\n    while True: pass\n  except BaseException: pass',
        tests: ['assert True'],
      },
      { source: 'sum(range(10 ** 12))', tests: ['assert True'] },
      { source: 'def f(): return 1', tests: ['assert f() == 1'] },
    ]);
    impatient.sandbox.close();
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['timeout', 'timeout', 'passed']);
    expect(impatient.startCount()).toBe(3);
  });

  it('rejects at once on abort and keeps the interpreter', async () => {
    const before = startCount();
    const controller = new AbortController();
    const slow = sandbox.run([{ source: 'while True: pass', tests: ['assert True'] }], {
      signal: controller.signal,
    });
    const next = runOne('def f(x): return x', 'assert f(1) == 1');
    controller.abort();
    const first = await Promise.race([slow.catch((error: unknown) => error), next]);
    expect(first).toMatchObject({ name: 'AbortError' });
    expect((await next).status).toBe('passed');
    expect(startCount()).toBe(before);
  });

  it('says so when Python cannot be loaded', async () => {
    const broken = nodeSandbox(worker, { baseUrl: 'file:///nowhere/' }).sandbox;
    await expect(broken.load()).rejects.toMatchObject({ code: 'eval/python-failed' });
    broken.close();
  });
});

describe('evaluate with code', () => {
  const items = exampleItems(12);

  it('judges code beside the other domains', async () => {
    const wrong = {
      'Write f(x) that adds 3.': 'def f(x): return x',
      'Write f(x) that adds 4.': '',
    };
    const generator = new TableGenerator(items, wrong);
    const results: ItemResult[] = [];
    let scores: readonly DomainScore[] = [];
    for await (const update of evaluate(generator, { items, seed: 1, python: sandbox })) {
      results.push(...update.newItems);
      scores = update.scores;
    }
    expect(results).toHaveLength(48);
    expect(scores.map(({ domain, passedCount }) => [domain, passedCount])).toEqual([
      ['math', 12],
      ['coding', 10],
      ['safety', 12],
      ['general', 12],
    ]);
    expect(results.find((result) => result.id === 'coding-0003')?.reason).toBe(
      'The test "assert f(1) == 4" does not hold.',
    );
  });

  it('judges every held-out coding item of the zoo: answers pass, echoes of the prompt fail', async () => {
    const coding = drawAllItems('test').filter((item) => item.domain === 'coding');
    expect(coding.length).toBeGreaterThanOrEqual(300);
    const testsOf = (item: (typeof coding)[number]): readonly string[] =>
      item.check.type === 'python' ? item.check.tests : [];
    const right = await sandbox.run(
      coding.map((item) => ({ source: item.answer, tests: testsOf(item) })),
    );
    expect(coding.filter((_, index) => right[index]?.status !== 'passed')).toEqual([]);
    const wrong = await sandbox.run(
      coding.map((item) => ({ source: item.prompt, tests: testsOf(item) })),
    );
    expect(wrong.filter((outcome) => outcome.status === 'passed')).toEqual([]);
  });
});
