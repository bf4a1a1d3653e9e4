import type * as Pyodide from 'pyodide';
import { invariant } from '../../core/errors';
import { harnessSource } from './harness-source';
import type { PythonCandidate, PythonOutcome } from './python-protocol';
import { restrictGlobals } from './restrict-globals';

/** Bytes that programs may write to the in-memory file system over the worker's life. */
const fileCapBytes = 32 * 1024 * 1024;

/** The functions of `harness-source.ts`. */
interface Harness {
  readonly runSource: (text: string) => unknown;
  readonly runTest: (text: string) => unknown;
  readonly takeOutput: () => unknown;
}

export interface PythonRunnerOptions {
  /** Folder of the pyodide files, absolute, with a final slash (`https:` or `file:`). */
  readonly baseUrl: string;
  /** Most WebAssembly memory; Python raises MemoryError beyond it. */
  readonly memoryCapBytes: number;
  readonly interruptBuffer?: SharedArrayBuffer | undefined;
}

/**
 * CPython (pyodide 314.0.7, Python 3.14) in this worker, cut off from JavaScript, network and
 * storage. Programs run one after the other, each in a fresh namespace. A program that never ends
 * blocks the worker: the time limit is kept by `PythonSandbox` on the other side.
 */
export class PythonRunner {
  readonly pythonVersion: string;
  readonly #harness: Harness;
  readonly #interrupt: Uint8Array | undefined;
  #isUsable = true;

  private constructor(harness: Harness, pythonVersion: string, interrupt: Uint8Array | undefined) {
    this.#harness = harness;
    this.pythonVersion = pythonVersion;
    this.#interrupt = interrupt;
  }

  /**
   * Loads the interpreter and then closes this worker's doors for good (`restrictGlobals`).
   * @throws whatever loading the files or the harness throws
   */
  static async load(options: PythonRunnerOptions): Promise<PythonRunner> {
    capMemory(options.memoryCapBytes);
    const moduleUrl = new URL('pyodide.mjs', options.baseUrl).href;
    // Loaded by address, not bundled: its own parts are found beside it.
    const { loadPyodide } = (await import(/* @vite-ignore */ moduleUrl)) as typeof Pyodide;
    const pyodide = await loadPyodide({
      indexURL: indexPath(options.baseUrl),
      jsglobals: Object.create(null) as object,
      env: { HOME: '/home/pyodide', PYTHONHASHSEED: '0' },
    });
    // Printing goes to the harness; what is written past it to the descriptors is dropped.
    const write = (bytes: Uint8Array): number => bytes.length;
    pyodide.setStdout({ write });
    pyodide.setStderr({ write });
    pyodide.setStdin({ error: true });
    capFiles(pyodide, fileCapBytes);
    const interrupt =
      options.interruptBuffer === undefined ? undefined : new Uint8Array(options.interruptBuffer);
    if (interrupt !== undefined) pyodide.setInterruptBuffer(interrupt);
    const pythonVersion = String(pyodide.runPython('import sys; sys.version.split()[0]'));
    // Fetched one by one: an iterator would destroy the proxies it hands out when it ends.
    const functions = pyodide.runPython(harnessSource) as {
      get: (index: number) => (text?: string) => unknown;
    };
    const harness = {
      runSource: functions.get(0),
      runTest: functions.get(1),
      takeOutput: functions.get(3),
    };
    functions.get(2)();
    restrictGlobals();
    return new PythonRunner(harness, pythonVersion, interrupt);
  }

  /** False once the interpreter broke; it runs nothing any more. */
  get isUsable(): boolean {
    return this.#isUsable;
  }

  /** Runs one candidate to its end. Never throws for what the program does. */
  run(candidate: PythonCandidate): PythonOutcome {
    const startMs = performance.now();
    // An interrupt that came after the previous program had ended must not hit this one.
    this.#interrupt?.fill(0);
    const verdict = this.#judge(candidate);
    this.#interrupt?.fill(0);
    return {
      ...verdict,
      output: this.#isUsable ? String(this.#harness.takeOutput()) : '',
      elapsedMs: performance.now() - startMs,
    };
  }

  #judge(candidate: PythonCandidate): Omit<PythonOutcome, 'output' | 'elapsedMs'> {
    invariant(this.#isUsable, 'a broken Python interpreter was used again');
    invariant(candidate.tests.length > 0, 'a Python candidate came without tests');
    let currentTest: string | undefined;
    try {
      const sourceError = readError(this.#harness.runSource(candidate.source));
      if (sourceError !== undefined) return { status: 'failed-source', ...sourceError };
      for (const test of candidate.tests) {
        currentTest = test;
        const testError = readError(this.#harness.runTest(test));
        if (testError !== undefined) {
          return { status: 'failed-test', failedTest: test, ...testError };
        }
      }
      return { status: 'passed' };
    } catch (error) {
      // The harness catches all of Python; what arrives here broke the interpreter itself.
      this.#isUsable = false;
      return {
        status: 'crashed',
        errorMessage: String(error).slice(0, 300),
        ...(currentTest === undefined ? {} : { failedTest: currentTest }),
      };
    }
  }
}

/** Reads what the harness returned: '' for success, else JSON. */
function readError(answer: unknown): { errorType: string; errorMessage: string } | undefined {
  if (answer === '') return undefined;
  const error = JSON.parse(String(answer)) as { type: string; message: string };
  return { errorType: error.type, errorMessage: error.message };
}

/** In Node pyodide wants a path, in a browser an address. */
function indexPath(baseUrl: string): string {
  if (!baseUrl.startsWith('file:')) return baseUrl;
  return process.getBuiltinModule('node:url').fileURLToPath(baseUrl);
}

/** Emscripten grows its heap through this method; refusing makes Python raise MemoryError. */
function capMemory(capBytes: number): void {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own receiver below
  const grow = WebAssembly.Memory.prototype.grow;
  WebAssembly.Memory.prototype.grow = function (this: WebAssembly.Memory, pages: number) {
    if (this.buffer.byteLength + pages * 65536 > capBytes) {
      throw new RangeError('the Python memory cap is reached');
    }
    return grow.call(this, pages);
  };
}

/** The parts of Emscripten's file system that are used here; its own types leave them out. */
interface FileSystemParts {
  readonly ErrnoError: new (errno: number) => Error;
  readonly filesystems: {
    readonly MEMFS: {
      readonly ops_table: {
        readonly file: {
          readonly stream: { write: (stream: object, buffer: object, ...rest: number[]) => number };
        };
      };
      expandFileStorage: (node: object, sizeBytes: number) => void;
      resizeFileStorage: (node: object, sizeBytes: number) => void;
    };
  };
}

/** Files live on the JavaScript heap, outside the memory cap, so they have a budget of their own. */
function capFiles(pyodide: Pyodide.PyodideAPI, capBytes: number): void {
  const fileSystem = pyodide.FS as unknown as FileSystemParts;
  const memory = fileSystem.filesystems.MEMFS;
  const noSpaceErrno = 51;
  const stream = memory.ops_table.file.stream;
  const write = stream.write.bind(stream);
  let bytesLeft = capBytes;
  stream.write = (target, buffer, offset = 0, length = 0, ...rest) => {
    bytesLeft -= length;
    if (bytesLeft < 0) throw new fileSystem.ErrnoError(noSpaceErrno);
    return write(target, buffer, offset, length, ...rest);
  };
  // Sparse files and truncation to a larger size allocate without writing.
  for (const name of ['expandFileStorage', 'resizeFileStorage'] as const) {
    const allocate = memory[name].bind(memory);
    memory[name] = (node, sizeBytes) => {
      if (sizeBytes > capBytes) throw new fileSystem.ErrnoError(noSpaceErrno);
      allocate(node, sizeBytes);
    };
  }
}
