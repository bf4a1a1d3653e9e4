import { afterAll, describe, expect, it } from 'vitest';
import { browserPythonPort } from '../../src/eval/python/python-port';
import { PythonSandbox } from '../../src/eval/python/python-sandbox';

function startWorker(): Worker {
  return new Worker(new URL('../../workers/python.worker.ts', import.meta.url), { type: 'module' });
}

let startCount = 0;

function newSandbox(interruptGraceMs: number): PythonSandbox {
  return new PythonSandbox({
    baseUrl: new URL('/pyodide/', location.href).href,
    loadLimitMs: 110_000,
    interruptGraceMs,
    createPort: () => {
      startCount++;
      return browserPythonPort(startWorker());
    },
  });
}

// An interrupt that works is waited for, however busy the machine is.
const sandbox = newSandbox(110_000);
afterAll(() => {
  sandbox.close();
});

async function statusOf(source: string, ...tests: string[]): Promise<string> {
  const [outcome] = await sandbox.run([{ source, tests }]);
  return [outcome?.status, outcome?.errorType].filter(Boolean).join(' ');
}

describe('PythonSandbox in a real worker', () => {
  it('loads real Python from our own origin and judges code', async () => {
    await sandbox.load();
    expect(sandbox.pythonVersion).toBe('3.14.2');
    expect(await statusOf('def f(x): return x + 1', 'assert f(1) == 2')).toBe('passed');
    expect(await statusOf('def f(x): return x', 'assert f(1) == 2')).toBe(
      'failed-test AssertionError',
    );
    expect(await statusOf('def f(x: return x', 'assert f(1) == 2')).toBe(
      'failed-source SyntaxError',
    );
  });

  it.each([
    ['import js', 'failed-source ImportError'],
    ['import pyodide_js', 'failed-source ImportError'],
    ['import pyodide.http', 'failed-source ImportError'],
    ['import micropip', 'failed-source ImportError'],
    ['import sys\nsys.meta_path.pop(0)\nimport js', 'failed-source ModuleNotFoundError'],
    ['__import__("os").system("ls")', 'failed-source AttributeError'],
    ['raise SystemExit', 'failed-source SystemExit'],
    ['input()', 'failed-source OSError'],
    ['import numpy', 'failed-source ModuleNotFoundError'],
    ['x = "x" * 10**9', 'failed-source MemoryError'],
    ['x = []\nwhile True: x.append("x" * 10**7)', 'failed-source MemoryError'],
    ['def f(x): return f(x)\nf(1)', 'failed-source RecursionError'],
    ['f = open("/tmp/x", "wb")\nwhile True: f.write(b"x" * 10**7)', 'failed-source OSError'],
  ])('takes %j for a failure', async (source, status) => {
    expect(await statusOf(source, 'assert True')).toBe(status);
    expect(await statusOf('x = 1', 'assert x == 1')).toBe('passed');
  });

  it('has needed one worker for that', () => {
    expect(startCount).toBe(1);
  });

  it('interrupts an endless loop without a new worker, as the page is isolated', async () => {
    expect(crossOriginIsolated).toBe(true);
    expect(await statusOf('while True: pass', 'assert True')).toBe('timeout');
    expect(await statusOf('x = 1', 'assert x == 1')).toBe('passed');
    expect(startCount).toBe(1);
  });

  it('ends a loop that swallows the interrupt with its worker', async () => {
    const stubborn = 'while True:\n  try:\n    while True: pass\n  except BaseException: pass';
    const before = startCount;
    const impatient = newSandbox(300);
    const outcomes = await impatient.run([
      { source: stubborn, tests: ['assert True'] },
      { source: 'x = 1', tests: ['assert x == 1'] },
    ]);
    impatient.close();
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['timeout', 'passed']);
    expect(startCount).toBe(before + 2);
  });

  it('says so when the files are not there', async () => {
    const broken = new PythonSandbox({
      baseUrl: new URL('/no-such-folder/', location.href).href,
      createPort: () => browserPythonPort(startWorker()),
    });
    await expect(broken.load()).rejects.toMatchObject({ code: 'eval/python-failed' });
  });
});

describe('restrictGlobals', () => {
  it('leaves no door that was there', async () => {
    const worker = new Worker(new URL('./restricted.worker.ts', import.meta.url), {
      type: 'module',
    });
    const { before, after } = await new Promise<{
      before: Record<string, boolean>;
      after: Record<string, boolean>;
    }>((resolve, reject) => {
      worker.onmessage = (event: MessageEvent) => {
        resolve(event.data as never);
      };
      worker.onerror = (event) => {
        reject(new Error(event.message));
      };
    });
    worker.terminate();
    expect(before).toMatchObject({
      fetch: true,
      indexedDB: true,
      Function: true,
      postMessage: true,
    });
    expect(Object.entries(after).filter(([, isThere]) => isThere)).toEqual([]);
  });
});
