import type { LaneStart } from './lane';
import { createLane } from './lane';

/** Ends a thread at once. */
export type EndLane = () => void;

/** Node's own modules, absent in a browser; a static import would end up in the page's bundle. */
function nodeThreads() {
  const host = globalThis as { process?: Partial<NodeJS.Process> };
  return host.process?.getBuiltinModule?.('node:worker_threads');
}

/** How many threads the machine can run at a time. */
export function coreCount(): number {
  const host = globalThis as {
    process?: Partial<NodeJS.Process>;
    navigator?: { hardwareConcurrency?: number };
  };
  const node = host.process?.getBuiltinModule?.('node:os');
  return node?.availableParallelism() ?? host.navigator?.hardwareConcurrency ?? 1;
}

/**
 * Starts one more thread of a pool. Its memory must be shared.
 * @throws whatever the platform throws when it allows no worker
 */
export function spawnLane(start: LaneStart): EndLane {
  const threads = nodeThreads();
  if (threads !== undefined) {
    // Inline text, so that no bundler has to find a second file for the command line. Bundlers
    // that keep function names call __name.
    const text =
      'const __name = (f) => f;' +
      `(${createLane.toString()})(require('node:worker_threads').workerData).loop();`;
    const worker = new threads.Worker(text, { eval: true, workerData: start });
    worker.unref();
    // A lane that cannot start claims no work: the others do it.
    worker.on('error', () => undefined);
    return () => {
      void worker.terminate();
    };
  }
  const worker = new Worker(new URL('../../workers/wasm-lane.worker.ts', import.meta.url), {
    type: 'module',
    name: `wasm-lane-${String(start.lane)}`,
  });
  worker.postMessage(start);
  return () => {
    worker.terminate();
  };
}
