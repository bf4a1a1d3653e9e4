// The page of the benchmark: the lab as the site has it, and raw reading and storing beside it.
import { createLab } from '../../../src/rpc/create-lab';
import type { GenerationReport, PlacedModel, RunRequest, RunSummary } from '../../../src/rpc/lab';
import { runModelId, storedSlot } from '../../../src/workers/stored-slot';
import type { ProbeAnswer, ProbeQuestion } from './probe.worker';

// The runtime's files lie at the root of the site.
history.replaceState(null, '', '/');
const lab = createLab();
/** Folders picked so far, in order. */
const picked: PlacedModel[] = [];

/** What the benchmark asks of the page. */
export interface ScalePage {
  /** Takes the folder that was put into the file input; gives its number. */
  pickFolder(id: string): number;
  pointAtHub(endpoint: string): Promise<void>;
  /** Reads files in two streams and drops their bytes, some GB of them at most. */
  fetchRaw(urls: readonly string[]): Promise<ProbeAnswer>;
  readRaw(): Promise<ProbeAnswer>;
  /** Writes so many bytes, or some GB, as a run writes its output, then deletes them. */
  storeRaw(sizeBytes: number): Promise<ProbeAnswer>;
  /** Carries out a run to its end, over the picked folders if it names no models. */
  run(request: RunRequest): Promise<RunSummary>;
  /** Has the output of a run write on from a prompt. */
  speak(runId: string, maxNewTokens: number): Promise<GenerationReport>;
  forgetRuns(): Promise<void>;
}

const scale: ScalePage = {
  pickFolder: (id) => {
    const input = document.querySelector('input');
    const files = [...(input?.files ?? [])];
    picked.push({ id, place: { kind: 'folder', name: id, files } });
    return files.length;
  },
  pointAtHub: async (endpoint) => {
    await lab.setHub({ endpoint });
  },
  fetchRaw: async (urls) => ask({ kind: 'fetch', urls }),
  readRaw: async () =>
    ask({
      kind: 'read',
      files: picked.flatMap(({ place }) => (place.kind === 'folder' ? place.files : [])),
    }),
  storeRaw: async (sizeBytes) => ask({ kind: 'store', sizeBytes }),
  run: async (request) => {
    const models = request.models.length === 0 ? picked : request.models;
    const ended = new AbortController();
    try {
      return await new Promise<RunSummary>((resolve, reject) => {
        let id: string | undefined;
        const look = (runs: readonly RunSummary[]): void => {
          const run = runs.find((one) => one.id === id);
          const isOver = run !== undefined && ['done', 'failed', 'cancelled'].includes(run.state);
          if (isOver) resolve(run);
        };
        lab
          .startRun({ ...request, models })
          .then(async (started) => {
            id = started;
            await lab.watchRuns(look, ended.signal);
          })
          .catch(reject);
      });
    } finally {
      ended.abort();
    }
  },
  speak: async (runId, maxNewTokens) => {
    const slot = storedSlot(runModelId(runId));
    const prompt = 'Tom has 3 keys and gets 5 more. How many keys now?';
    const request = { slot, prompt, maxNewTokens, temperature: 0, seed: 0 };
    return lab.generate(request, () => undefined);
  },
  forgetRuns: async () => {
    for (const { id } of await lab.runs()) await lab.deleteRun(id);
  },
};
(globalThis as { scale?: ScalePage }).scale = scale;

/** A worker of its own for every question, as runs have. */
async function ask(question: ProbeQuestion): Promise<ProbeAnswer> {
  const worker = new Worker(new URL('probe.worker.ts', import.meta.url), { type: 'module' });
  try {
    return await new Promise((resolve, reject) => {
      worker.addEventListener('message', ({ data }: MessageEvent<ProbeAnswer>) => {
        resolve(data);
      });
      worker.addEventListener('error', (event) => {
        reject(new Error(event.message));
      });
      worker.postMessage(question);
    });
  } finally {
    worker.terminate();
  }
}
