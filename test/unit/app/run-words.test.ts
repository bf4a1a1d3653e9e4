import { describe, expect, it } from 'vitest';
import {
  deletionText,
  paceText,
  runsText,
  stakeText,
  targetText,
  trialText,
} from '../../../src/app/runs/run-words';
import { outputBytes, startBudget } from '../../../src/app/runs/run-settings.svelte';
import { storedFacts } from '../../../src/app/storage/stored-words';
import type { RunSummary } from '../../../src/rpc/lab';
import type { StoredModel } from '../../../src/store/storage-details';

const run: RunSummary = {
  id: 'r',
  title: 'r',
  recipeHash: '',
  recipeText: '',
  models: [],
  output: 'checkpoint',
  state: 'running',
  createdAtMs: 0,
  elapsedMs: 1000,
  doneBytes: 1.3e9,
  totalBytes: 5.2e9,
  bytesPerSecond: 210e6,
  leftMs: 19_000,
  stage: 'Merging',
  isElsewhere: false,
};

describe('paceText', () => {
  it('tells stage, amount, rate and time left of a run at work', () => {
    expect(paceText(run)).toBe('Merging · 1.3 GB of 5.2 GB · 210 MB a second · 19.0 s left');
  });

  it('tells only the amount of one that rests, and nothing before it is planned', () => {
    expect(paceText({ ...run, state: 'interrupted' })).toBe('1.3 GB of 5.2 GB');
    expect(paceText({ ...run, state: 'waiting', totalBytes: 0 })).toBe('');
  });
});

describe('trialText', () => {
  it('tells what a large output takes in memory, as it runs', () => {
    expect(trialText({ ...run, sizeBytes: 4.5e6 })).toBe('');
    expect(trialText({ ...run, output: 'q4', sizeBytes: 1.52e9 })).toMatch(
      /^In q4 it takes up to 2\.3 GB of memory/,
    );
    expect(trialText({ ...run, sizeBytes: 5.2e9 })).toMatch(/^In q4 it takes up to 2\.3 GB/);
    expect(trialText({ ...run, output: 'fp16', sizeBytes: 5.2e9 })).toMatch(
      /^In fp16 it would take 6\.0 GB of memory, more than WebAssembly has/,
    );
  });
});

describe('where a run writes', () => {
  const zip = { ...run, writtenTo: { kind: 'zip', name: 'both.zip' } } as const;
  const download = { ...run, writtenTo: { kind: 'download', name: 'both.zip' } } as const;

  it('is told with its name, unless the browser keeps it', () => {
    expect(targetText(run)).toBe('');
    expect(targetText(zip)).toBe('in the zip file both.zip');
    expect(targetText(download)).toBe('as the download both.zip');
  });

  it('says what an end before the end means', () => {
    expect(stakeText(run)).toBe('');
    expect(stakeText(zip)).toBe('');
    expect(stakeText({ ...zip, state: 'failed' })).toContain('not a whole zip yet');
    expect(stakeText({ ...zip, state: 'done' })).toBe('');
    expect(stakeText(download)).toContain('Keep this page open');
    expect(stakeText({ ...download, state: 'interrupted' })).toContain('anew');
  });

  it('says what goes when it is deleted', () => {
    expect(deletionText({ ...run, writtenTo: { kind: 'folder', name: 'out' } })).toContain('out');
    expect(deletionText({ ...zip, state: 'done' })).toContain('both.zip stays');
    expect(deletionText({ ...zip, state: 'failed' })).not.toContain('stays');
  });
});

describe('what a run may use', () => {
  it('is 1.5 GB, and less on a small device', () => {
    expect(Math.round(startBudget({}) * 2 ** 30) / 1e9).toBeCloseTo(1.5, 1);
    expect(startBudget({ deviceMemory: 4 })).toBeLessThan(startBudget({ deviceMemory: 8 }));
  });

  it('is less for fewer bits', () => {
    const sizes = (['checkpoint', 'q8', 'q4'] as const).map((output) => outputBytes(output, 1000));
    expect(sizes).toEqual([...sizes].sort((left, right) => right - left));
    expect(outputBytes('fp16', 1000)).toBe(1000);
  });
});

describe('storedFacts', () => {
  const model: StoredModel = {
    id: 'm',
    label: 'm',
    kind: 'cache',
    storedBytes: 10,
    totalBytes: 3e9,
    isComplete: false,
    isPinned: false,
    isInUse: false,
    lastUsedAtMs: 0,
    driver: 'opfs',
  };
  const dayMs = 86_400_000;

  it('tells what it is, what is missing, when it was used and where it lies', () => {
    expect(storedFacts(model, 3 * dayMs)).toBe(
      'download · partial: 3.0 GB in all · used 3 days ago · in private files',
    );
    const merged: StoredModel = { ...model, kind: 'merge', isComplete: true, isInUse: true };
    expect(storedFacts(merged, 0)).toBe('merged here · in use now · in private files');
    const ofZoo: StoredModel = { ...model, id: 'zoo/math', isComplete: true, driver: 'indexeddb' };
    expect(storedFacts(ofZoo, 0)).toBe('of the zoo · used today · in the database');
  });
});

describe('runsText', () => {
  it('counts runs and names the first three', () => {
    expect(runsText(['A'])).toBe('1 run (A)');
    expect(runsText(['A', 'B', 'C'])).toBe('3 runs (A, B, C)');
    expect(runsText(['A', 'B', 'C', 'D', 'E'])).toBe('5 runs (A, B, C and 2 more)');
  });
});
