import 'fake-indexeddb/auto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LabStore } from '../../../src/store/lab-store';
import { carryOutRun } from '../../../src/workers/carry-out-run';
import { PlaceOpener } from '../../../src/workers/place-opener';
import { RunMeter } from '../../../src/workers/run-meter';
import type { RunEntry } from '../../../src/workers/run-records';
import { runModelId } from '../../../src/workers/stored-slot';
import type { PlacedModel } from '../../../src/workers/run-types';
import { modelFromFolder } from '../../hub/repos';
import { startHubServer, type HubServer } from '../../hub/server';

const placed = (id: string): PlacedModel => ({
  id,
  place: { kind: 'hub', repo: `zoo/${id}`, revision: 'main' },
});

const entry: RunEntry = {
  id: 'r',
  title: 'A run',
  recipeHash: '',
  createdAtMs: 0,
  request: {
    title: 'A run',
    recipeText:
      'merge_method: linear\nmodels:\n  - {model: base, parameters: {weight: 1}}\n  - {model: math, parameters: {weight: 1}}\ndtype: bfloat16\n',
    models: [placed('base'), placed('math')],
    output: 'checkpoint',
    to: 'store',
    caching: 'keep',
    budgetBytes: 1.5e9,
  },
};

let hub: HubServer;

beforeAll(async () => {
  hub = await startHubServer({
    models: await Promise.all(
      ['base', 'math'].map(async (id) => modelFromFolder(`public/zoo/${id}`, `zoo/${id}`)),
    ),
    users: [],
  });
});
afterAll(async () => {
  await hub.close();
});

it('leaves no output of a file that was not what its hash says, and can be run again', async () => {
  // Chunks are much smaller than the file: only its last one tells that an earlier one was wrong.
  const store = new LabStore({ name: 'wrong-input', pieceBytes: 1 << 20 });
  const run = async (): Promise<void> => {
    const endpoint = hub.url;
    const opener = new PlaceOpener({ store, zooUrl: '', hub: { endpoint } });
    const meter = new RunMeter(0, () => undefined);
    await carryOutRun(entry, { store, opener, meter, backend: 'wasm' });
  };
  hub.setFaults([{ at: 'cdn', action: { kind: 'wrong-bytes' }, after: 3, times: 1 }]);
  await expect(run()).rejects.toMatchObject({ code: 'hub/wrong-hash' });
  expect(await store.model(runModelId('r'))).toBeUndefined();
  await run();
  const { models } = await store.contents();
  expect(models.map(({ kind, isComplete }) => [kind, isComplete])).toEqual([
    ['cache', true],
    ['cache', true],
    ['merge', true],
  ]);
});
