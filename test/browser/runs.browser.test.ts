import { afterEach, describe, expect, it } from 'vitest';
import { sha256Hex } from '../../src/formats/hashes';
import { LabJobs } from '../../src/rpc/lab-jobs';
import { storedModel } from '../../src/sources/cached-files';
import { LabStore } from '../../src/store/lab-store';
import { readZip } from '../read-zip';
import type { PlacedModel, RunRequest, RunSummary } from '../../src/workers/lab-types';

const zooUrl = new URL('/zoo/', location.origin).href;
const specialists = ['math', 'safety'];

const recipeText = `merge_method: ties
base_model: base
models:
${specialists.map((id) => `  - model: ${id}\n    parameters: { weight: 0.3, density: 0.2 }`).join('\n')}
dtype: bfloat16
`;

const request: RunRequest = {
  title: 'Both',
  recipeText,
  models: ['base', ...specialists].map((id) => ({ id, place: { kind: 'zoo', id } })),
  output: 'checkpoint',
  to: 'store',
  caching: 'auto',
  budgetBytes: 1.5e9,
};

const desks: LabJobs[] = [];

function openDesk(): LabJobs {
  const desk = new LabJobs({ zooUrl, backend: () => 'wasm' });
  desks.push(desk);
  return desk;
}

afterEach(async () => {
  const [desk] = desks;
  for (const run of (await desk?.runs()) ?? []) await desk?.deleteRun(run.id);
  for (const open of desks.splice(0)) open.close();
});

/** Waits until a run is as wanted. */
async function until(
  desk: LabJobs,
  id: string,
  isWanted: (run: RunSummary) => boolean,
  mayFail = false,
): Promise<RunSummary> {
  const over = new AbortController();
  const found = await new Promise<RunSummary>((resolve, reject) => {
    void desk.watchRuns((runs) => {
      const run = runs.find((one) => one.id === id);
      if (run === undefined) return;
      if (isWanted(run)) resolve(run);
      else if (run.error !== undefined && !mayFail) reject(new Error(run.error.sentence));
    }, over.signal);
  });
  over.abort();
  return found;
}

/** The SHA-256 of every file of a run's output. */
async function outputOf(id: string): Promise<Map<string, string>> {
  const store = new LabStore();
  const model = await storedModel(store, `run/${id}`);
  const contents = new Map<string, string>();
  for (const [path, file] of model?.files ?? []) {
    contents.set(path, await sha256Hex(await file.read(0, file.sizeBytes)));
  }
  await store.close();
  return contents;
}

describe('a run', () => {
  it('is carried out into the store and can be exported, renamed and deleted', async () => {
    const desk = openDesk();
    const id = await desk.startRun(request);
    const seen = new Set<string>();
    const done = await until(desk, id, (run) => {
      seen.add(run.state);
      return run.state === 'done';
    });
    expect(seen).toContain('running');
    expect(done).toMatchObject({ title: 'Both', output: 'checkpoint', isElsewhere: false });
    expect(done.doneBytes).toBe(done.totalBytes);
    expect(done.sizeBytes).toBe(done.totalBytes);
    const contents = await outputOf(id);
    expect([...contents.keys()]).toContain('model.safetensors');
    await desk.renameRun(id, 'Renamed');
    expect((await desk.runs())[0]?.title).toBe('Renamed');
    const { models } = await desk.storageDetails();
    expect(models.map(({ label }) => label)).toContain('Renamed');
    let zipBytes = 0;
    const target = new WritableStream<Uint8Array>({
      write: (bytes) => {
        zipBytes += bytes.byteLength;
      },
    });
    await desk.exportRun(id, target, {});
    expect(zipBytes).toBeGreaterThan(done.totalBytes);
    await desk.deleteRun(id);
    expect(await desk.runs()).toEqual([]);
    expect(await outputOf(id)).toEqual(new Map());
  });

  it('goes on after a pause and after its worker was ended, to the same bytes', async () => {
    const desk = openDesk();
    const whole = await desk.startRun(request);
    await until(desk, whole, (run) => run.state === 'done');
    const paused = await desk.startRun(request);
    const { title } = await until(desk, paused, (run) => run.state === 'running');
    expect(title).toBe('Both (2)');
    await desk.pauseRun(paused);
    expect((await desk.runs()).find(({ id }) => id === paused)?.state).toBe('paused');
    await desk.resumeRun(paused);
    await until(desk, paused, (run) => run.state === 'done');
    expect(await outputOf(paused)).toEqual(await outputOf(whole));

    const killed = await desk.startRun(request);
    await until(desk, killed, (run) => run.state === 'running');
    desk.close();
    const other = openDesk();
    await expect
      .poll(async () => (await other.runs()).find(({ id }) => id === killed)?.state)
      .toBe('interrupted');
    await other.resumeRun(killed);
    await until(other, killed, (run) => run.state === 'done');
    expect(await outputOf(killed)).toEqual(await outputOf(whole));
  });

  it.each(['here', 'in another tab'])('stops when it is asked at once %s', async (where) => {
    const desk = openDesk();
    const asking = where === 'here' ? desk : openDesk();
    for (const ask of ['pause', 'cancel'] as const) {
      const id = await desk.startRun(request);
      await (ask === 'pause' ? asking.pauseRun(id) : asking.cancelRun(id));
      const state = ask === 'pause' ? 'paused' : 'cancelled';
      expect((await asking.runs()).find((run) => run.id === id)?.state).toBe(state);
      // Whatever was under way then has come to its end when the next run has its turn.
      const next = await desk.startRun(request);
      await until(desk, next, (run) => run.state === 'done');
      await until(desk, id, (run) => run.state === state);
      expect(await outputOf(id)).toEqual(new Map());
    }
  });

  it('is resumed once by two clicks, and cancelled while it is', async () => {
    const desk = openDesk();
    const id = await desk.startRun(request);
    await desk.pauseRun(id);
    const resumed = Promise.all([desk.resumeRun(id), desk.resumeRun(id)]);
    await resumed;
    await desk.cancelRun(id);
    await until(desk, id, (run) => run.state === 'cancelled');
    expect(await outputOf(id)).toEqual(new Map());
  });

  it('waits for another one, and is watched and cancelled from another tab', async () => {
    const desk = openDesk();
    const watching = openDesk();
    // Nobody computes before the second was cancelled, however slowly its worker starts.
    let letGo = (): void => undefined;
    const turn = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const held = navigator.locks.request('mergelab-run-turn', () => turn);
    const first = await desk.startRun(request);
    const second = await desk.startRun(request);
    const isWaiting = await until(watching, second, (run) => run.isElsewhere);
    expect(isWaiting.state).toBe('waiting');
    await watching.cancelRun(second);
    await until(desk, second, (run) => run.state === 'cancelled');
    letGo();
    await held;
    await until(watching, first, (run) => run.state === 'done');
    expect(await outputOf(second)).toEqual(new Map());
  });

  it.each(['checkpoint', 'q8'] as const)(
    'writes a %s into a zip, byte for byte what the store would hold',
    async (output) => {
      const root = await navigator.storage.getDirectory();
      const to = await root.getFileHandle('run-test.zip', { create: true });
      const desk = openDesk();
      const stored = await desk.startRun({ ...request, output });
      await until(desk, stored, (run) => run.state === 'done');
      const zipped = await desk.startRun({ ...request, output, to });
      const done = await until(desk, zipped, (run) => run.state === 'done');
      expect(done.writtenTo).toEqual({ kind: 'zip', name: 'run-test.zip' });
      expect(done.doneBytes).toBe(done.totalBytes);
      const zip = new Uint8Array(await (await to.getFile()).arrayBuffer());
      const found = new Map<string, string>();
      for (const [path, bytes] of await readZip(zip)) {
        found.set(path.replace(/^Both-2\//u, ''), await sha256Hex(bytes));
      }
      const expected = await outputOf(stored);
      expect(found).toEqual(new Map([...found.keys()].map((path) => [path, expected.get(path)])));
      expect(found.size).toBe(expected.size);
      // Nothing of it is in the store, and a whole zip outlives its run.
      expect(await outputOf(zipped)).toEqual(new Map());
      await desk.deleteRun(zipped);
      expect((await to.getFile()).size).toBe(zip.byteLength);

      const cancelled = await desk.startRun({ ...request, output, to });
      await until(desk, cancelled, (run) => run.state === 'running');
      await desk.cancelRun(cancelled);
      await until(desk, cancelled, (run) => run.state === 'cancelled');
      await expect(root.getFileHandle('run-test.zip')).rejects.toThrow();
    },
  );

  it('reads folders and writes into one, and refuses a model that changed', async () => {
    const root = await navigator.storage.getDirectory();
    const models = await Promise.all(
      ['base', 'math', 'safety'].map(async (id): Promise<PlacedModel> => {
        const handle = await root.getDirectoryHandle(`run-test-${id}`, { create: true });
        for (const path of ['config.json', 'model.safetensors', 'tokenizer.json']) {
          await write(handle, path, await (await fetch(`${zooUrl}${id}/${path}`)).arrayBuffer());
        }
        return { id, place: { kind: 'handle', handle } };
      }),
    );
    const to = await root.getDirectoryHandle('run-test-output', { create: true });
    const recipe = `merge_method: task_arithmetic
base_model: base
models:
  - { model: math, parameters: { weight: 0.4 } }
  - { model: safety, parameters: { weight: 0.5 } }
dtype: bfloat16
`;
    const local = { ...request, recipeText: recipe, models };
    const desk = openDesk();
    const stored = await desk.startRun(local);
    await until(desk, stored, (run) => run.state === 'done');
    const written = await desk.startRun({ ...local, to });
    await until(desk, written, (run) => run.state === 'done');
    const found = new Map<string, string>();
    for await (const file of to.values()) {
      if (!(file instanceof FileSystemFileHandle)) continue;
      const bytes = await (await file.getFile()).arrayBuffer();
      found.set(file.name, await sha256Hex(new Uint8Array(bytes)));
    }
    expect(found).toEqual(
      new Map([...(await outputOf(stored))].sort(([a], [b]) => (a < b ? -1 : 1))),
    );

    // A folder stands where a file is to be: the run fails after it has begun.
    const full = await root.getDirectoryHandle('run-test-full', { create: true });
    await full.getDirectoryHandle('model.safetensors', { create: true });
    const failing = await desk.startRun({ ...local, to: full });
    const failed = await until(desk, failing, (run) => run.state === 'failed', true);
    expect(failed.error).toMatchObject({ code: 'engine/write-failed' });
    const math = await root.getDirectoryHandle('run-test-math');
    await write(math, 'config.json', new TextEncoder().encode('{"model_type":"llama"}').buffer);
    await desk.resumeRun(failing);
    const refused = await until(
      desk,
      failing,
      (run) => run.error?.code === 'run/source-changed',
      true,
    );
    expect(refused.state).toBe('failed');
    for (const name of ['base', 'math', 'safety', 'output', 'full']) {
      await root.removeEntry(`run-test-${name}`, { recursive: true });
    }
  });
});

async function write(
  folder: FileSystemDirectoryHandle,
  path: string,
  bytes: ArrayBuffer,
): Promise<void> {
  const handle = await folder.getFileHandle(path, { create: true });
  const target = await handle.createWritable();
  await target.write(bytes);
  await target.close();
}
