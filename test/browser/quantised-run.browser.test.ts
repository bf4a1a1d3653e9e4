import { afterEach, describe, expect, it } from 'vitest';
import { sha256Hex } from '../../src/formats/hashes';
import { streamCheckpoint } from '../../src/formats/tensor-stream';
import { describeExport } from '../../src/model/describe-export';
import { readModelTexts } from '../../src/model/read-texts';
import { createLab } from '../../src/rpc/create-lab';
import type { LabJobs } from '../../src/rpc/lab-jobs';
import { storedModel, type CachedFiles } from '../../src/sources/cached-files';
import { openCheckpoint } from '../../src/sources/open-checkpoint';
import { LabStore } from '../../src/store/lab-store';
import type { RunOutput, RunSummary } from '../../src/workers/lab-types';

const recipeText = `merge_method: task_arithmetic
base_model: base
models:
  - {model: math, parameters: {weight: 0.9}}
  - {model: coding, parameters: {weight: 0.2}}
dtype: bfloat16
`;

let lab: ReturnType<typeof createLab>;
let store: LabStore;

afterEach(async () => {
  for (const { id } of await lab.runs()) await lab.deleteRun(id);
  lab.close();
  await store.close();
});

/** The finished run's id among stored models, and its files. */
async function runTo(
  jobs: LabJobs,
  output: RunOutput,
): Promise<{ readonly id: string; readonly files: CachedFiles }> {
  const id = await jobs.startRun({
    title: 'Math and some code',
    recipeText,
    models: ['base', 'math', 'coding'].map((id) => ({ id, place: { kind: 'zoo', id } })),
    output,
    to: 'store',
    caching: 'auto',
    budgetBytes: 1.5e9,
  });
  const over = new AbortController();
  const done = await new Promise<RunSummary>((resolve, reject) => {
    void jobs.watchRuns((runs) => {
      const run = runs.find((one) => one.id === id);
      if (run?.state === 'done') resolve(run);
      else if (run?.error !== undefined) reject(new Error(run.error.sentence));
    }, over.signal);
  });
  over.abort();
  const files = await storedModel(store, `run/${done.id}`);
  if (files === undefined) throw new Error('the output is not whole');
  return { id: `run/${done.id}`, files };
}

/** Two merges, an export and two sessions take a while on a busy machine. */
const patienceMs = 240_000;

describe('a run with quantised output', () => {
  it(
    'stores what exporting its checkpoint would give, and speaks from the store',
    async () => {
      lab = createLab();
      store = new LabStore();
      const checkpoint = await runTo(lab, 'checkpoint');
      const source = streamCheckpoint(await openCheckpoint(checkpoint.files));
      const quantised = await runTo(lab, 'q8');
      const described = describeExport(source, await readModelTexts(checkpoint.files), 'q8');
      expect([...quantised.files.files.keys()].sort()).toEqual(
        described.map(({ path }) => path).sort(),
      );
      for (const file of described) {
        const whole = new Uint8Array(file.sizeBytes);
        let offsetBytes = 0;
        for await (const bytes of file.stream()) {
          whole.set(bytes, offsetBytes);
          offsetBytes += bytes.byteLength;
        }
        const stored = await quantised.files.files.get(file.path)?.read(0, file.sizeBytes);
        expect(await sha256Hex(stored ?? new Uint8Array(0))).toBe(await sha256Hex(whole));
      }
      const slot = `stored:${quantised.id}`;
      const question = { prompt: 'What is 2 + 3?', maxNewTokens: 8, temperature: 0, seed: 1 };
      const spoken = await lab.generate({ slot, ...question }, () => undefined);
      expect(spoken.tokenCount).toBeGreaterThan(0);
      const unrounded = await lab.generate(
        { slot: `stored:${checkpoint.id}`, ...question },
        () => undefined,
      );
      expect(spoken.text).toBe(unrounded.text);
    },
    patienceMs,
  );
});
