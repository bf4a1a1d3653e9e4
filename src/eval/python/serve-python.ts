import { sentenceOf } from '../../core/errors';
import type { PythonRequest, PythonResponse } from './python-protocol';
import { PythonRunner } from './python-runner';

/**
 * Answers the requests of `PythonSandbox` in this worker, of a browser or of Node.
 *
 * The way to answer is kept before the interpreter loads: loading closes the global one.
 */
export function servePython(): void {
  let runner: PythonRunner | undefined;
  const post = connect((request) => {
    if (request.type === 'load') {
      void load(request).then(post);
      return;
    }
    if (runner === undefined) return;
    const outcome = runner.run(request.candidate);
    post({ type: 'outcome', runId: request.runId, outcome, isUsable: runner.isUsable });
  });

  async function load(request: Extract<PythonRequest, { type: 'load' }>): Promise<PythonResponse> {
    const startMs = performance.now();
    try {
      runner = await PythonRunner.load(request);
    } catch (error) {
      return { type: 'load-failed', message: sentenceOf(error) };
    }
    return {
      type: 'loaded',
      pythonVersion: runner.pythonVersion,
      elapsedMs: performance.now() - startMs,
    };
  }
}

/** Listens to the other side and returns how to answer it. */
function connect(onRequest: (request: PythonRequest) => void): (response: PythonResponse) => void {
  if (!('WorkerGlobalScope' in globalThis)) {
    const { parentPort } = process.getBuiltinModule('node:worker_threads');
    parentPort?.on('message', onRequest);
    return (response) => {
      parentPort?.postMessage(response);
    };
  }
  globalThis.addEventListener('message', (event: MessageEvent<PythonRequest>) => {
    onRequest(event.data);
  });
  const post = globalThis.postMessage.bind(globalThis) as (response: PythonResponse) => void;
  return post;
}
