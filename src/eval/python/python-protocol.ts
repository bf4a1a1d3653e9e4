/** A program to judge: source text and the assertion lines that it must pass. */
export interface PythonCandidate {
  readonly source: string;
  /** Python statements, run one after the other in the source's namespace. At least one. */
  readonly tests: readonly string[];
}

export type PythonStatus =
  /** Every test ran to its end. */
  | 'passed'
  /** A test raised; `failedTest` says which. */
  | 'failed-test'
  /** The source itself raised, or does not compile. */
  | 'failed-source'
  /** Still running at the time limit. */
  | 'timeout'
  /** The interpreter broke; it was replaced. */
  | 'crashed';

/** What became of one candidate. */
export interface PythonOutcome {
  readonly status: PythonStatus;
  /** Python's exception class, such as `NameError`. */
  readonly errorType?: string;
  /** Python's message, cut to 300 characters. */
  readonly errorMessage?: string;
  readonly failedTest?: string;
  /** What it printed, standard output and error together, cut to 2,000 characters. */
  readonly output: string;
  readonly elapsedMs: number;
}

/** Page to worker. One `load` comes first; then one `run` at a time. */
export type PythonRequest =
  | {
      readonly type: 'load';
      /** Folder of the pyodide files, absolute, with a final slash (`https:` or `file:`). */
      readonly baseUrl: string;
      readonly memoryCapBytes: number;
      /** One byte; the page writes 2 to it to interrupt a program. Absent without shared memory. */
      readonly interruptBuffer?: SharedArrayBuffer;
    }
  | { readonly type: 'run'; readonly runId: number; readonly candidate: PythonCandidate };

/** Worker to page. */
export type PythonResponse =
  | { readonly type: 'loaded'; readonly pythonVersion: string; readonly elapsedMs: number }
  | { readonly type: 'load-failed'; readonly message: string }
  | {
      readonly type: 'outcome';
      readonly runId: number;
      readonly outcome: PythonOutcome;
      /** False after a crash: the worker must be replaced. */
      readonly isUsable: boolean;
    };
