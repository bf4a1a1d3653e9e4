import { afterAll, afterEach, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { Random } from '../../src/core/random';
import type { Fault } from '../hub/faults';
import { RunBench } from './runs/run-bench';
import { inputBytes, isLong, outputBytes, requestFor } from './runs/run-models';
import { SmallDisk } from './runs/small-disk';

/** At size it takes half an hour. */
const killCount = isLong ? 20 : 4;
const timeoutMs = isLong ? 1_800_000 : 180_000;
const stages = ['Reading headers', 'Measuring the models', 'Merging'];

/** So slow that a run can be disturbed at every stage. */
const slowly = slowTo(isLong ? 40e6 : 20e6);
/** So slow that there is time to look at it from elsewhere. */
const moreSlowly = slowTo(6e6);

let bench: RunBench;

beforeAll(async () => {
  bench = await RunBench.open();
  await bench.restart();
  await bench.runUndisturbed('mb_ties');
}, timeoutMs);

afterEach(() => {
  bench.hub.setFaults([]);
});

afterAll(async () => {
  await bench.close();
});

describe('a run', { timeout: timeoutMs }, () => {
  it(`ends with the same bytes after the browser was killed ${killCount} times`, async () => {
    await bench.forgetModels();
    bench.hub.setFaults([slowly]);
    const random = Random.named(3, 'kills');
    const id = await bench.start(requestFor('mb_ties'));
    for (let kill = 0; kill < killCount; kill++) {
      if (kill > 0) await bench.resume(id);
      await pause((isLong ? 12_000 : 1_600) * (0.1 + random.next01()));
      await bench.restart();
      const { state } = await bench.browser.ask((page, given) => page.summary(given), id);
      expect(['interrupted', 'done']).toContain(state);
    }
    bench.hub.setFaults([]);
    await bench.resume(id);
    await bench.expectWhole(id, 'mb_ties');
  });

  it('ends with the same bytes after a reload in each stage', async () => {
    await bench.forgetModels();
    bench.hub.setFaults([slowly]);
    const id = await bench.start(requestFor('mb_ties'));
    for (const stage of stages) {
      await bench.stage(id, stage);
      await bench.reload();
      await bench.resume(id);
    }
    await bench.expectWhole(id, 'mb_ties');
  });

  it.each(['mb_ties', 'ties'] as const)(
    'proves what %s read and did not store, over a reload and a kill',
    async (method) => {
      await bench.forgetModels();
      if (method === 'ties') await bench.runUndisturbed(method);
      await bench.forgetModels();
      bench.hub.setFaults([slowly]);
      const id = await bench.start(requestFor(method, { caching: 'stream' }));
      await bench.merged(id, 0.3);
      await bench.reload();
      await bench.resume(id);
      await bench.merged(id, 0.6);
      await bench.restart();
      bench.hub.setFaults([]);
      await bench.resume(id);
      await bench.expectWhole(id, method);
      const { notice } = await bench.browser.ask((page, given) => page.summary(given), id);
      expect(notice).toBeUndefined();
    },
  );

  it('leaves no byte of its output when it is cancelled', async () => {
    await bench.forgetModels();
    bench.hub.setFaults([slowly]);
    for (const stage of isLong ? stages : stages.slice(-1)) {
      const id = await bench.start(requestFor('mb_ties'));
      await bench.stage(id, stage);
      // A chunk of the output is stored by then.
      if (stage === 'Merging') await pause(isLong ? 3000 : 500);
      const cancelled = await bench.browser.ask((page, given) => page.cancel(given), id);
      expect(cancelled).toMatchObject({ state: 'cancelled', doneBytes: 0 });
      expect(await bench.browser.ask((page, given) => page.leftBehind(given), id)).toEqual([]);
    }
    // What was fetched meanwhile is whole: another run is made of it.
    bench.hub.setFaults([]);
    await bench.expectWhole(await bench.start(requestFor('mb_ties')), 'mb_ties');
  });

  it.runIf(isLong)('is watched by a second tab, which waits for it and takes it over', async () => {
    await bench.forgetModels();
    bench.hub.setFaults([moreSlowly]);
    const id = await bench.start(requestFor('mb_ties'));
    await bench.stage(id, 'Measuring the models');
    const tab = await bench.openTab();
    const seen = await tab.ask((page, given) => page.summary(given), id);
    expect(seen).toMatchObject({ state: 'running', isElsewhere: true });
    await expect(tab.ask((page, given) => page.resume(given), id)).rejects.toThrow(
      'Another tab works on this run',
    );
    const second = await tab.ask((page, given) => page.start(given), requestFor('mb_ties'));
    expect(await tab.ask((page, given) => page.summary(given), second)).toMatchObject({
      state: 'waiting',
    });
    await bench.reload();
    await tab.page.waitForTimeout(100);
    expect(await tab.ask((page, given) => page.summary(given), id)).toMatchObject({
      state: 'interrupted',
      isElsewhere: false,
    });
    bench.hub.setFaults([]);
    await tab.ask((page, given) => page.resume(given), id);
    await tab.ask((page, given) => page.rest(given), id);
    await bench.expectWhole(id, 'mb_ties');
    await bench.expectWhole(second, 'mb_ties');
    await tab.page.close();
  });

  it.runIf(process.platform === 'linux')('leaves no worker behind when it ends', async () => {
    await bench.restart();
    const before = bench.browser.workerThreadCount;
    for (let run = 0; run < 8; run++) {
      const id = await bench.start(requestFor('mb_ties'));
      expect(await bench.rest(id)).toMatchObject({ state: 'done' });
      await bench.remove(id);
    }
    // One lists the runs.
    const most = before + 1;
    await expect
      .poll(() => bench.browser.workerThreadCount, { timeout: 5000 })
      .toBeLessThanOrEqual(most);
  });

  it('survives dropped connections, and a Hub that is away', async () => {
    await bench.forgetModels();
    const drop = { kind: 'drop', afterBytes: 700_000 } as const;
    bench.hub.setFaults([{ at: 'cdn', match: /^GET/, action: drop, after: 3, times: 5 }]);
    const id = await bench.start(requestFor('mb_ties'));
    await bench.expectWhole(id, 'mb_ties');
    await bench.forgetModels();

    bench.hub.setFaults([
      { action: { kind: 'status', status: 404 }, match: /safetensors/, after: 2 },
    ]);
    const gone = await bench.start(requestFor('mb_ties'));
    const failed = await bench.rest(gone);
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'hub/not-found' } });
    bench.hub.setFaults([]);
    await bench.resume(gone);
    await bench.expectWhole(gone, 'mb_ties');
  });

  it('makes a damaged chunk again, of a model as of its own output', async () => {
    const first = await bench.start(requestFor('mb_ties'));
    await bench.expectWhole(first, 'mb_ties');
    const damage = async (keyStart: string): Promise<number> =>
      bench.browser.ask((page, given) => page.damage(given), keyStart);
    expect(await damage('sha256:')).toBeGreaterThan(0);
    const second = await bench.start(requestFor('mb_ties'));
    await bench.stage(second, 'Merging');
    await bench.reload();
    await damage(`run/${second}/`);
    await bench.resume(second);
    await bench.expectWhole(second, 'mb_ties');
  });

  it('goes on when the graphics device is lost', async () => {
    await bench.restart('webgpu');
    await bench.runUndisturbed('task_arithmetic', 'webgpu');
    const id = await bench.start(requestFor('task_arithmetic'));
    await bench.stage(id, 'Merging');
    await bench.browser.crashGpu();
    await bench.expectWhole(id, 'task_arithmetic', 'webgpu');
  });
});

describe('a run on a small disk', { timeout: timeoutMs }, () => {
  /** Runs the browser from a disk of its own; skips where none can be had. */
  const onDisk =
    (sizeBytes: number, body: (disk: SmallDisk) => Promise<void>) =>
    async ({ skip }: TestContext): Promise<void> => {
      const disk = await SmallDisk.mount(sizeBytes);
      if (typeof disk === 'string') return skip(disk);
      try {
        await bench.restart('wasm', disk);
        await body(disk);
      } finally {
        await bench.restart();
        await disk.unmount();
      }
    };

  it.runIf(isLong)(
    'asks before the download when it does not fit, and goes on by the choice that was made',
    onDisk(3.5 * outputBytes, async () => {
      bench.hub.forgetRequests();
      const asked = await bench.rest(await bench.start(requestFor('mb_ties', { caching: 'keep' })));
      expect(asked).toMatchObject({ state: 'failed', error: { code: 'store/quota' } });
      expect(asked.error?.sentence).toMatch(
        /do not fit: the browser has room for .* Store nothing; .* Or: Delete stored models of /,
      );
      expect(bench.hub.requests.filter(({ at }) => at === 'cdn')).toEqual([]);
      const id = await bench.start(requestFor('mb_ties', { caching: 'stream' }));
      await bench.expectWhole(id, 'mb_ties');
    }),
  );

  it(
    'deletes its copies of the models where they leave no room for the output',
    onDisk(1.4 * (inputBytes + outputBytes), async () => {
      const id = await bench.start(requestFor('mb_ties'));
      await bench.expectWhole(id, 'mb_ties');
    }),
  );

  it(
    'stops with one error when the disk fills up, and goes on when there is room again',
    onDisk(2 * (inputBytes + 2 * outputBytes), async (disk) => {
      const first = await bench.start(requestFor('mb_ties', { caching: 'stream' }));
      await bench.expectWhole(first, 'mb_ties');
      const moments = [
        ['Merging', 'stream'],
        ['Measuring the models', 'auto'],
      ] as const;
      for (const [stage, caching] of isLong ? moments : moments.slice(0, 1)) {
        bench.hub.setFaults([slowly]);
        const id = await bench.start(requestFor('mb_ties', { caching }));
        await bench.stage(id, stage);
        // Small records can be written still, and what the database needs to merge its own files, but
        // no chunk of 16 MiB. With no byte left Chromium drops the whole database.
        await disk.fill(12e6);
        bench.hub.setFaults([]);
        const failed = await bench.rest(id);
        expect(failed).toMatchObject({ state: 'failed', error: { code: 'store/quota' } });
        expect(failed.error?.sentence).toContain('free disk space');
        await disk.relieve();
        await bench.resume(id);
        await bench.expectWhole(id, 'mb_ties');
        await bench.remove(id);
      }
      await bench.expectWhole(first, 'mb_ties');
    }),
  );
});

function slowTo(bytesPerSecond: number): Fault {
  return { at: 'cdn', action: { kind: 'slow', bytesPerSecond } };
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
