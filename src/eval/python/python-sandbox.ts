import { LabError } from '../../core/errors';
import type { PythonPort } from './python-port';
import type { PythonCandidate, PythonOutcome, PythonResponse } from './python-protocol';

export interface PythonSandboxOptions {
  /** Starts `workers/python.worker.ts`; called again whenever a worker had to be ended. */
  readonly createPort: () => PythonPort;
  /** Folder of the pyodide files, absolute, with a final slash (`https:` or `file:`). */
  readonly baseUrl: string;
  /** Time for one candidate and its tests; 2 s unless given. */
  readonly timeLimitMs?: number;
  /** Most memory of the interpreter; 256 MiB unless given. */
  readonly memoryCapBytes?: number;
  /** Time for loading the interpreter; 60 s unless given. */
  readonly loadLimitMs?: number;
  /** Time a program has to react to the interrupt before its worker is ended; 1 s unless given. */
  readonly interruptGraceMs?: number;
}

interface LiveWorker {
  readonly port: PythonPort;
  readonly interrupt: Uint8Array | undefined;
  onOutcome: ((outcome: PythonOutcome, isUsable: boolean) => void) | undefined;
}

/**
 * Runs Python programs against tests in a worker of their own, with a time limit for each.
 *
 * The interpreter (about 12 MB of files) is loaded by the first `load` or `run`. A program over its
 * time limit is interrupted where memory can be shared (cross-origin isolation, Node); one that
 * ignores that, or where it cannot, is ended with its worker, and the rest runs in a new one. Batches
 * run one after the other, in the order of their calls.
 */
export class PythonSandbox {
  readonly #options: PythonSandboxOptions;
  readonly #timeLimitMs: number;
  #worker: Promise<LiveWorker> | undefined;
  #live: LiveWorker | undefined;
  #tail: Promise<unknown> = Promise.resolve();
  #runCount = 0;
  #pythonVersion: string | undefined;

  constructor(options: PythonSandboxOptions) {
    this.#options = options;
    this.#timeLimitMs = options.timeLimitMs ?? 2000;
  }

  /** Python's version once it is loaded, for reports. */
  get pythonVersion(): string | undefined {
    return this.#pythonVersion;
  }

  /** Loads the interpreter ahead of the first run. @throws LabError `eval/python-failed` */
  async load(): Promise<void> {
    await this.#ready();
  }

  /**
   * Judges every candidate; outcomes come in the order of `candidates`. Equal candidates run once.
   *
   * An abort rejects at once with `signal.reason`; the program that runs then is left to end (or to
   * meet its limit), and the interpreter stays loaded.
   * @throws LabError `eval/python-failed` when the interpreter cannot be loaded
   */
  async run(
    candidates: readonly PythonCandidate[],
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<PythonOutcome[]> {
    const { signal } = options;
    signal?.throwIfAborted();
    const batch = this.#tail.then(() => this.#runBatch(candidates, signal));
    this.#tail = batch.catch(() => undefined);
    return signal === undefined ? batch : abortable(batch, signal);
  }

  /** Ends the worker; a later call loads it again. */
  close(): void {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#live?.onOutcome?.(crashed('The Python worker was closed.'), false);
    this.#live = undefined;
    void worker?.then(
      ({ port }) => {
        port.terminate();
      },
      () => undefined,
    );
  }

  async #runBatch(
    candidates: readonly PythonCandidate[],
    signal: AbortSignal | undefined,
  ): Promise<PythonOutcome[]> {
    const known = new Map<string, PythonOutcome>();
    const outcomes: PythonOutcome[] = [];
    for (const candidate of candidates) {
      signal?.throwIfAborted();
      const key = JSON.stringify([candidate.source, candidate.tests]);
      const outcome = known.get(key) ?? (await this.#runOne(candidate));
      known.set(key, outcome);
      outcomes.push(outcome);
    }
    return outcomes;
  }

  async #runOne(candidate: PythonCandidate): Promise<PythonOutcome> {
    const worker = await this.#ready();
    this.#runCount++;
    const runId = this.#runCount;
    return new Promise((resolve) => {
      let isOverTime = false;
      let hardTimer: ReturnType<typeof setTimeout> | undefined;
      const end = (outcome: PythonOutcome, isUsable: boolean): void => {
        clearTimeout(softTimer);
        clearTimeout(hardTimer);
        worker.onOutcome = undefined;
        if (!isUsable) this.#replace(worker);
        const isLate = isOverTime && outcome.status !== 'passed';
        resolve(isLate ? timedOut(outcome.output, this.#timeLimitMs) : outcome);
      };
      const endHard = (): void => {
        end(timedOut('', this.#timeLimitMs), false);
      };
      const softTimer = setTimeout(() => {
        isOverTime = true;
        if (worker.interrupt === undefined) {
          endHard();
          return;
        }
        // SIGINT: pyodide raises KeyboardInterrupt at the next check.
        worker.interrupt[0] = 2;
        hardTimer = setTimeout(endHard, this.#options.interruptGraceMs ?? 1000);
      }, this.#timeLimitMs);
      worker.onOutcome = end;
      worker.port.post({ type: 'run', runId, candidate });
    });
  }

  async #ready(): Promise<LiveWorker> {
    this.#worker ??= this.#start();
    try {
      return await this.#worker;
    } catch (error) {
      // The next call tries again: the network may be back.
      this.#worker = undefined;
      throw error;
    }
  }

  /** Forgets a worker and ends it. */
  #replace(worker: LiveWorker): void {
    worker.port.terminate();
    if (this.#live === worker) {
      this.#live = undefined;
      this.#worker = undefined;
    }
  }

  #start(): Promise<LiveWorker> {
    const port = this.#options.createPort();
    const canShare = typeof SharedArrayBuffer !== 'undefined';
    const interruptBuffer = canShare ? new SharedArrayBuffer(1) : undefined;
    const worker: LiveWorker = {
      port,
      interrupt: interruptBuffer === undefined ? undefined : new Uint8Array(interruptBuffer),
      onOutcome: undefined,
    };
    return new Promise((resolve, reject) => {
      const fail = (reason: string): void => {
        clearTimeout(timer);
        if (this.#live === worker) {
          // It died while it ran a program.
          worker.onOutcome?.(crashed(reason), false);
          this.#replace(worker);
          return;
        }
        port.terminate();
        reject(loadError(reason, this.#options.baseUrl));
      };
      const timer = setTimeout(() => {
        fail('it took too long');
      }, this.#options.loadLimitMs ?? 60_000);
      const receive = (response: PythonResponse): void => {
        if (response.type === 'outcome') {
          worker.onOutcome?.(response.outcome, response.isUsable);
        } else if (response.type === 'load-failed') {
          fail(response.message);
        } else {
          clearTimeout(timer);
          this.#pythonVersion = response.pythonVersion;
          this.#live = worker;
          resolve(worker);
        }
      };
      port.listen(receive, fail);
      port.post({
        type: 'load',
        baseUrl: this.#options.baseUrl,
        memoryCapBytes: this.#options.memoryCapBytes ?? 256 * 1024 * 1024,
        ...(interruptBuffer === undefined ? {} : { interruptBuffer }),
      });
    });
  }
}

function timedOut(output: string, timeLimitMs: number): PythonOutcome {
  return { status: 'timeout', output, elapsedMs: timeLimitMs };
}

function crashed(reason: string): PythonOutcome {
  return { status: 'crashed', errorMessage: reason.slice(0, 300), output: '', elapsedMs: 0 };
}

function loadError(reason: string, baseUrl: string): LabError {
  return new LabError(
    'eval/python-failed',
    `Python could not be loaded (${reason}); check the connection and evaluate coding again.`,
    { details: { baseUrl } },
  );
}

/** Settles as `promise` does, or rejects with the signal's reason, whichever is first. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', onAbort);
    });
  });
}
