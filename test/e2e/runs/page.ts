// A page with nothing but runs, for tests that kill it. It is built as the site is, and no part of it.
import { LabJobs } from '../../../src/rpc/lab-jobs';
import type { BackendId, RunRequest, RunState, RunSummary } from '../../../src/rpc/lab';
import { sha256Stream } from '../../../src/formats/hashes';
import { storedModel } from '../../../src/sources/cached-files';
import { LabStore } from '../../../src/store/lab-store';
import { damage, leftBehind } from './raw-store';

let backend: BackendId = 'wasm';
const jobs = new LabJobs({ zooUrl: location.href, backend: () => backend });
const restingStates: readonly RunState[] = ['done', 'failed', 'paused', 'interrupted', 'cancelled'];

/** What the tests ask of the page. */
export interface RunPage {
  use(settings: { readonly endpoint: string; readonly backend?: BackendId }): Promise<void>;
  start(request: RunRequest): Promise<string>;
  resume(id: string): Promise<void>;
  summary(id: string): Promise<RunSummary>;
  /** Waits until nobody works on the run. */
  rest(id: string): Promise<RunSummary>;
  /** Waits until the run has come to a stage, or rests. */
  stage(id: string, stage: string): Promise<RunSummary>;
  /** Waits until so much of the run's output is made, or it rests. */
  merged(id: string, part01: number): Promise<RunSummary>;
  /** SHA-256 of every file of a finished run. */
  digest(id: string): Promise<Readonly<Record<string, string>>>;
  /** Flips a bit of the first stored chunk of every file whose key begins like this. */
  damage(keyStart: string): Promise<number>;
  /** Ends a run and waits until it is ended. */
  cancel(id: string): Promise<RunSummary>;
  remove(id: string): Promise<void>;
  /** What the store still has of a run's output. */
  leftBehind(id: string): Promise<readonly string[]>;
  /** Forgets stored models, so that they are fetched again. */
  forgetModels(): Promise<void>;
}

async function until(id: string, isWanted: (run: RunSummary) => boolean): Promise<RunSummary> {
  const over = new AbortController();
  try {
    return await new Promise<RunSummary>((resolve, reject) => {
      const look = (runs: readonly RunSummary[]): void => {
        const run = runs.find((one) => one.id === id);
        if (run !== undefined && isWanted(run)) resolve(run);
      };
      jobs.watchRuns(look, over.signal).catch(reject);
    });
  } finally {
    over.abort();
  }
}

const runPage: RunPage = {
  use: async ({ endpoint, backend: wanted = 'wasm' }) => {
    backend = wanted;
    await jobs.setHub({ endpoint });
  },
  start: async (request) => jobs.startRun(request),
  resume: async (id) => jobs.resumeRun(id),
  summary: async (id) => until(id, () => true),
  rest: async (id) => until(id, ({ state }) => restingStates.includes(state)),
  stage: async (id, stage) =>
    until(id, (run) => run.stage === stage || restingStates.includes(run.state)),
  merged: async (id, part01) =>
    until(
      id,
      ({ state, doneBytes, totalBytes }) =>
        // One that waits still shows what it had before.
        (state === 'running' && totalBytes > 0 && doneBytes >= part01 * totalBytes) ||
        restingStates.includes(state),
    ),
  digest: async (id) => {
    const store = new LabStore();
    const model = await storedModel(store, `run/${id}`);
    const digests: Record<string, string> = {};
    for (const [path, file] of model?.files ?? []) {
      const hash = await sha256Stream();
      for (let offset = 0; offset < file.sizeBytes; offset += 1 << 24) {
        hash.update(await file.read(offset, Math.min(1 << 24, file.sizeBytes - offset)));
      }
      digests[path] = hash.digestHex();
    }
    await store.close();
    return digests;
  },
  damage: async (keyStart) => damage(keyStart),
  leftBehind: async (id) => leftBehind(id),
  cancel: async (id) => {
    await jobs.cancelRun(id);
    return until(id, ({ state }) => restingStates.includes(state));
  },
  remove: async (id) => jobs.deleteRun(id),
  forgetModels: async () => {
    for (const { id } of (await jobs.storageDetails()).models) await jobs.deleteStored(id);
  },
};
(globalThis as { runPage?: RunPage }).runPage = runPage;
