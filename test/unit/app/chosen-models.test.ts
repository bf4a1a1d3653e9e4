import { describe, expect, it } from 'vitest';
import {
  ChosenModels,
  hubModel,
  likelyBase,
  mostSpecialists,
  type ChosenModel,
} from '../../../src/app/models/chosen-models.svelte';
import { costSheet } from '../../../src/app/models/cost-sheet';
import { keptBytes } from '../../../src/app/models/kept-bytes';
import { modelOfFolder, modelsInFiles } from '../../../src/app/models/local-models';
import type { PickedFolder, RunSummary } from '../../../src/rpc/lab';
import type { StorageDetails } from '../../../src/store/storage-details';

const gemma = hubModel('google/gemma-2-2b', 'main', { sizeBytes: 5000 });
const math = hubModel('MergeBench/gemma-2-2b_math', 'main', { sizeBytes: 5000 });

describe('ChosenModels', () => {
  it('takes the first model as the base, and another when told', () => {
    const chosen = new ChosenModels();
    chosen.add(math);
    expect(chosen.base?.id).toBe('MergeBench/gemma-2-2b_math');
    expect(chosen.isUsable).toBe(false);
    chosen.add(gemma, 'base');
    expect(chosen.baseId).toBe('google/gemma-2-2b');
    expect(chosen.specialists.map(({ id }) => id)).toEqual(['MergeBench/gemma-2-2b_math']);
    expect(chosen.isUsable).toBe(true);
    chosen.remove('google/gemma-2-2b');
    expect(chosen.base).toBeUndefined();
  });

  it('holds a place once, and gives two models of one name two names', () => {
    const chosen = new ChosenModels();
    chosen.add(gemma);
    chosen.add(gemma, 'specialist');
    expect(chosen.all).toHaveLength(1);
    expect(chosen.base).toBeUndefined();
    chosen.add({ id: 'math', place: { kind: 'stored', modelId: 'run/1' } });
    chosen.add({ id: 'math', place: { kind: 'stored', modelId: 'run/2' } });
    expect(chosen.placed.map(({ id }) => id)).toEqual(['google/gemma-2-2b', 'math', 'math-2']);
  });

  it('names models so that no recipe takes a name for an adapter', () => {
    const chosen = new ChosenModels();
    chosen.add({ id: 'TIES: a + {b}', place: { kind: 'stored', modelId: 'run/1' } });
    expect(chosen.all[0]?.id).toBe('TIES:-a-b-');
  });

  it('never makes an adapter the base', () => {
    const chosen = new ChosenModels();
    chosen.add({ id: 'lora', place: { kind: 'stored', modelId: 'l' }, isAdapter: true });
    chosen.add(gemma);
    expect(chosen.baseId).toBe(gemma.id);
  });

  it('holds a folder once, but not another of its name', () => {
    const folder = (content: string): PickedFolder => ({
      name: 'math',
      files: [new File([content], 'model.safetensors', { lastModified: 1 })],
    });
    const chosen = new ChosenModels();
    for (const content of ['one', 'one', 'other']) chosen.add(modelOfFolder(folder(content)));
    expect(chosen.all.map(({ id }) => id)).toEqual(['math', 'math-2']);
  });

  it('is full with a base and twelve specialists', () => {
    const chosen = new ChosenModels();
    for (let index = 0; index <= mostSpecialists; index++) {
      expect(chosen.add(hubModel(`org/m${index}`, 'main'))).toBe(true);
    }
    expect(chosen.add(hubModel('org/more', 'main'))).toBe(false);
    expect(chosen.add(hubModel('org/m3', 'main'))).toBe(true);
    expect(chosen.all).toHaveLength(13);
  });

  it('knows the size of all only when it knows each', () => {
    const chosen = new ChosenModels();
    chosen.replace([gemma, hubModel('org/unknown', 'main')], gemma.id);
    expect(chosen.sizeBytes).toBeUndefined();
    chosen.describe('org/unknown', { sizeBytes: 7 });
    expect(chosen.sizeBytes).toBe(5007);
  });
});

describe('likelyBase', () => {
  const model = (id: string): ChosenModel => ({ id, place: { kind: 'stored', modelId: id } });

  it('is the model called base, else the first, and never an adapter', () => {
    const models = [model('math'), model('smol-base')];
    expect(likelyBase(models)?.id).toBe('smol-base');
    expect(likelyBase(models.slice(0, 1))?.id).toBe('math');
    const adapter = { ...model('base-lora'), isAdapter: true };
    expect(likelyBase([adapter, ...models])?.id).toBe('smol-base');
    expect(likelyBase([adapter])).toBeUndefined();
  });
});

describe('costSheet', () => {
  const cost = {
    tensorCount: 1,
    elementCount: 2500,
    bytesRead: 10_000,
    bytesWritten: 5000,
    passCount: 1,
    peakMemoryBytes: 300,
  };
  const details: StorageDetails = {
    isAvailable: true,
    isPersisted: false,
    usedBytes: 3000,
    quotaBytes: 20_000,
    freeBytes: 17_000,
    evictableBytes: 500,
    fileBytes: 3000,
    models: [
      {
        id: 'hub/google/gemma-2-2b@c0ffee',
        label: 'google/gemma-2-2b',
        kind: 'cache',
        source: { kind: 'hub', repo: 'google/gemma-2-2b', revision: 'main', commit: 'c0ffee' },
        storedBytes: 3000,
        totalBytes: 5000,
        isComplete: false,
        isPinned: false,
        isInUse: false,
        lastUsedAtMs: 0,
      },
    ],
  };

  it('takes off what is here, adds a margin, and counts what gives way as free', () => {
    const folder = { id: 'x', place: { kind: 'folder' as const, name: 'x', files: [] } };
    const sheet = costSheet(
      cost,
      [gemma, math, { ...folder, sizeBytes: 5000 }],
      keptBytes(details),
      [],
    );
    expect(sheet.fetchBytes).toBe(7000);
    expect(sheet.neededBytes).toBeCloseTo(1.2 * 12_000);
    expect(sheet.leastBytes).toBeCloseTo(6000);
    expect(sheet.freeBytes).toBe(17_500);
    expect(sheet.likelyMs).toBeUndefined();
  });

  it('does not take another revision for the one that is here', () => {
    const other = hubModel('google/gemma-2-2b', 'v2', { sizeBytes: 5000 });
    const same = hubModel('google/gemma-2-2b', 'c0ffee', { sizeBytes: 5000 });
    expect(costSheet(cost, [other], keptBytes(details), []).fetchBytes).toBe(5000);
    expect(costSheet(cost, [same], keptBytes(details), []).fetchBytes).toBe(2000);
    expect(costSheet(cost, [gemma], keptBytes(undefined), []).freeBytes).toBeUndefined();
  });

  it('expects the pace of finished runs', () => {
    const run = {
      state: 'done',
      elapsedMs: 100,
      totalBytes: 1000,
      models: [{ id: 'a' }, { id: 'b' }],
    } as unknown as RunSummary;
    const failed = { ...run, state: 'failed', elapsedMs: 1 } as RunSummary;
    expect(costSheet(cost, [gemma, math], keptBytes(details), [run, failed]).likelyMs).toBe(500);
  });
});

describe('modelsInFiles', () => {
  /** As a file input hands it over; Node's files know no folder. */
  const file = (name: string, sizeBytes: number): File =>
    Object.assign(new File([new Uint8Array(sizeBytes)], name), { webkitRelativePath: '' });

  it('takes each weight file that was picked by itself as a model', () => {
    const models = modelsInFiles([file('a.safetensors', 3), file('b.gguf', 4)]);
    expect(models.map(({ id, sizeBytes }) => [id, sizeBytes])).toEqual([
      ['a', 3],
      ['b', 4],
    ]);
    expect(models[1]?.place).toMatchObject({ kind: 'folder', name: 'b' });
  });

  it('keeps files that make one model together', () => {
    const parts = [1, 2].map((part) => file(`c-0000${part}-of-00002.gguf`, 5));
    const loose = [file('config.json', 2), file('model.safetensors', 6)];
    expect(modelsInFiles(parts).map(({ id, sizeBytes }) => [id, sizeBytes])).toEqual([['c', 10]]);
    expect(modelsInFiles(loose).map(({ id, sizeBytes }) => [id, sizeBytes])).toEqual([
      ['chosen-files', 6],
    ]);
  });

  it('says what is missing', () => {
    expect(() => modelsInFiles([file('notes.txt', 3)])).toThrow(/holds no model/u);
  });
});
