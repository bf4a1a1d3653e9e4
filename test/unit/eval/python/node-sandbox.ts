import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { build } from 'vite';
import { nodePythonPort } from '../../../../src/eval/python/python-port';
import { PythonSandbox } from '../../../../src/eval/python/python-sandbox';

const packageFolder = dirname(createRequire(import.meta.url).resolve('pyodide/package.json'));

/** The worker entry, bundled for Node in a temporary folder; threads of Node 20 read no TypeScript. */
export interface BuiltWorker {
  readonly path: string;
  remove(): Promise<void>;
}

export async function buildPythonWorker(): Promise<BuiltWorker> {
  const outDir = await mkdtemp(join(tmpdir(), 'mergelab-python-'));
  await build({
    configFile: false,
    logLevel: 'error',
    build: {
      ssr: fileURLToPath(new URL('../../../../workers/python.worker.ts', import.meta.url)),
      outDir,
      emptyOutDir: false,
      rolldownOptions: { output: { entryFileNames: 'python.worker.mjs' } },
    },
  });
  return {
    path: join(outDir, 'python.worker.mjs'),
    remove: async () => rm(outDir, { recursive: true, force: true }),
  };
}

/** The real sandbox over a real thread that runs the real worker entry. */
export function nodeSandbox(
  worker: BuiltWorker,
  options: { interruptGraceMs?: number; baseUrl?: string } = {},
): { sandbox: PythonSandbox; startCount: () => number } {
  let started = 0;
  const sandbox = new PythonSandbox({
    baseUrl: `${pathToFileURL(packageFolder).href}/`,
    // Loading takes 3 s of processor time, and tests run beside each other.
    loadLimitMs: 600_000,
    // An interrupt that works is waited for, however busy the machine is.
    interruptGraceMs: 600_000,
    ...options,
    createPort: () => {
      started++;
      return nodePythonPort(new Worker(worker.path));
    },
  });
  return { sandbox, startCount: () => started };
}
