import type { Worker as NodeWorker } from 'node:worker_threads';
import type { PythonRequest, PythonResponse } from './python-protocol';

/** A worker that serves Python (`workers/python.worker.ts`), of a browser or of Node. */
export interface PythonPort {
  post(request: PythonRequest): void;
  /** Sets the one listener for answers. */
  listen(onResponse: (response: PythonResponse) => void, onCrash: (reason: string) => void): void;
  /** Ends the worker at once, also inside an endless loop. */
  terminate(): void;
}

/** Wraps a dedicated worker of a browser. */
export function browserPythonPort(worker: Worker): PythonPort {
  return {
    post(request) {
      worker.postMessage(request);
    },
    listen(onResponse, onCrash) {
      worker.onmessage = (event: MessageEvent<PythonResponse>) => {
        onResponse(event.data);
      };
      worker.onerror = (event) => {
        event.preventDefault();
        onCrash(event.message === '' ? 'the worker file did not load' : event.message);
      };
    },
    terminate() {
      worker.terminate();
    },
  };
}

/** Wraps a thread of Node's `worker_threads`. An idle one does not keep the process alive. */
export function nodePythonPort(worker: NodeWorker): PythonPort {
  return {
    post(request) {
      worker.postMessage(request);
    },
    listen(onResponse, onCrash) {
      worker.on('message', onResponse);
      worker.on('error', (error: unknown) => {
        onCrash(String(error));
      });
      worker.on('exit', (code) => {
        onCrash(`the thread ended with code ${String(code)}`);
      });
    },
    terminate() {
      worker.removeAllListeners();
      void worker.terminate();
    },
  };
}
