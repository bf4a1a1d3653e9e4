import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import type { Locator, Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startHubServer, type HubServer } from '../hub/server';
import { readZip } from '../read-zip';
import { modelOf } from './large-models';
import { alertsOf, openSite, patienceMs, type OpenSite } from './site';

// A browser without a screen cannot show its dialogs for files and folders, nor its questions. Functions
// take their place that hand out real handles, of the origin's own file system, for which nothing has to
// be asked: so they also say what was. Everything behind them is the real thing.

const names = ['base', 'coding', 'math'] as const;
const modelsFolder = 'picked-models';
const outputFolder = 'picked-output';
/** So slow that there is something to interrupt. */
const slowly = { at: 'cdn', action: { kind: 'slow', bytesPerSecond: 6e6 } } as const;

let hub: HubServer;
let site: OpenSite;
let page: Page;
/** SHA-256 by path, of the merge that the browser kept. */
let wanted: ReadonlyMap<string, string>;

const picker = () => page.getByRole('dialog', { name: 'Choose models' });
const runs = () => page.getByRole('region', { name: 'Runs' });
/** The newest run is the first in the list. */
const run = (place = 0) => runs().locator('.run').nth(place);
const button = (word: string, place = 0) =>
  run(place).getByRole('button', { name: new RegExp(`^${word}`, 'u') });

async function expectState(word: string, place = 0): Promise<void> {
  await run(place).locator('.run-state').filter({ hasText: word }).waitFor({ timeout: patienceMs });
}

/** Stands in for the dialogs of the browser; `hasSaveDialog` false is a browser without that one. */
async function openPage(hasSaveDialog = true): Promise<Page> {
  const opened = await site.context.newPage();
  await opened.addInitScript(
    ([models, output, hasSave]) => {
      const root = async () => navigator.storage.getDirectory();
      const asked: string[] = [];
      const textOf = ({ name }: FileSystemHandle, mode: string) => `${mode} ${name}`;
      Object.assign(FileSystemHandle.prototype, {
        async queryPermission(this: FileSystemHandle, { mode }: { mode: string }) {
          return Promise.resolve(asked.includes(textOf(this, mode)) ? 'granted' : 'prompt');
        },
        async requestPermission(this: FileSystemHandle, { mode }: { mode: string }) {
          if (!navigator.userActivation.isActive) throw new DOMException('', 'SecurityError');
          asked.push(textOf(this, mode));
          return Promise.resolve('granted');
        },
      });
      Object.assign(globalThis, {
        asked,
        showDirectoryPicker: async ({ id }: { id: string }) =>
          (await root()).getDirectoryHandle(id === 'mergelab-models' ? models : output, {
            create: true,
          }),
        showSaveFilePicker: hasSave
          ? async ({ suggestedName }: { suggestedName: string }) =>
              (await root()).getFileHandle(suggestedName, { create: true })
          : undefined,
      });
    },
    [modelsFolder, outputFolder, hasSaveDialog] as const,
  );
  await opened.goto(site.address);
  return opened;
}

/** Puts the hub's models into a folder of the page's own file system. */
async function layOutModels(): Promise<void> {
  await page.evaluate(
    async ({ url, folder, all }) => {
      const root = await navigator.storage.getDirectory();
      const models = await root.getDirectoryHandle(folder, { create: true });
      for (const name of all) {
        const model = await models.getDirectoryHandle(name, { create: true });
        for (const path of ['config.json', 'model.safetensors']) {
          const { body } = await fetch(`${url}/lab/${name}/resolve/main/${path}`);
          const file = await model.getFileHandle(path, { create: true });
          await body?.pipeTo(await file.createWritable());
        }
      }
    },
    { url: hub.url, folder: modelsFolder, all: names },
  );
}

async function openLocalModels(): Promise<void> {
  await page.getByRole('button', { name: 'Choose models' }).click();
  await picker().getByRole('tab', { name: 'This computer' }).click();
  await picker().getByRole('button', { name: 'Choose a folder …' }).click();
  await picker().getByText('These models fit together.').waitFor();
  await picker().getByRole('button', { name: 'Open these 3 models' }).click();
  await picker().waitFor({ state: 'hidden' });
}

/** Opens the models of the hub, which are fetched anew for every run. */
async function openRemoteModels(): Promise<void> {
  await page.getByRole('button', { name: 'Choose models' }).click();
  await picker().getByRole('tab', { name: 'Hugging Face' }).click();
  await picker().getByText('Advanced').click();
  await picker().getByLabel('Address of the hub').fill(hub.url);
  await picker().getByRole('button', { name: 'Use', exact: true }).click();
  const remove = picker().getByRole('button', { name: /^Remove/u });
  while ((await remove.count()) > 0) await remove.first().click();
  for (const name of names) {
    const search = picker().getByRole('searchbox', { name: 'Find a model' });
    await search.fill(`${hub.url}/lab/${name}/tree/main`);
    await picker()
      .getByRole('heading', { name: `lab/${name}` })
      .waitFor();
    const role = name === 'base' ? 'base' : 'specialist';
    await picker()
      .getByRole('button', { name: `Choose as ${role}` })
      .click();
  }
  await picker().getByText('These models fit together.').waitFor();
  await picker().getByRole('button', { name: 'Open these 3 models' }).click();
  await picker().waitFor({ state: 'hidden' });
  await openOptions();
  await page.getByRole('combobox', { name: 'Downloaded weights' }).selectOption('stream');
}

async function openOptions(): Promise<void> {
  const to = page.getByRole('group', { name: 'Where to' });
  if (!(await to.isVisible())) await page.locator('.run-options summary').click();
}

/** Begins a run and waits until it is the first in the list. */
async function mergeTo(place: string): Promise<void> {
  await openOptions();
  await page.getByRole('group', { name: 'Where to' }).getByRole('button', { name: place }).click();
  await addsRun(page.getByRole('button', { name: 'Merge', exact: true }));
}

async function addsRun(trigger: Locator): Promise<void> {
  const list = runs().locator('.run');
  const count = await list.count();
  await trigger.click();
  await list.nth(count).waitFor();
}

/** Waits until the newest run writes weights. */
async function untilUnderWay(): Promise<void> {
  await expectState('running');
  await run()
    .getByText(/\d MB of/u)
    .waitFor({ timeout: patienceMs });
}

/** Files in the origin's file system, by path; `''` is its root. */
async function diskFiles(folder: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const found = await page.evaluate(async (name) => {
    const root = await navigator.storage.getDirectory();
    const directory = name === '' ? root : await root.getDirectoryHandle(name);
    const files: [string, string][] = [];
    for await (const handle of directory.values()) {
      if (!(handle instanceof FileSystemFileHandle)) continue;
      const file = await handle.getFile();
      const url = await new Promise<string>((resolve, reject) => {
        const reader = new FileReader();
        reader.onload = () => {
          resolve(reader.result as string);
        };
        reader.onerror = () => {
          reject(new Error('it cannot be read'));
        };
        reader.readAsDataURL(file);
      });
      files.push([handle.name, url]);
    }
    return files;
  }, folder);
  return new Map(
    found.map(([name, url]) => [name, Buffer.from(url.slice(url.indexOf(',') + 1), 'base64')]),
  );
}

function digests(files: ReadonlyMap<string, Uint8Array>): ReadonlyMap<string, string> {
  const sorted = [...files].sort(([one], [other]) => (one < other ? -1 : 1));
  return new Map(
    sorted.map(([name, bytes]) => [
      name.slice(name.indexOf('/') + 1),
      createHash('sha256').update(bytes).digest('hex'),
    ]),
  );
}

/** The one zip in the origin's file system, or none. */
async function zipOnDisk(): Promise<Uint8Array | undefined> {
  const zips = [...(await diskFiles(''))].filter(([name]) => name.endsWith('.zip'));
  expect(zips.length).toBeLessThanOrEqual(1);
  return zips[0]?.[1];
}

async function removeFromDisk(suffix: string): Promise<void> {
  await page.evaluate(async (end) => {
    const root = await navigator.storage.getDirectory();
    for await (const { name } of root.values()) {
      if (name.endsWith(end)) await root.removeEntry(name, { recursive: true });
    }
  }, suffix);
}

/** Unpacks it with the system's own tool where there is one. */
async function expectWholeZip(zip: Uint8Array, files = wanted): Promise<void> {
  expect(digests(await readZip(zip))).toEqual(files);
  const path = `${process.env['TMPDIR'] ?? '/tmp'}/mergelab-${process.pid}.zip`;
  writeFileSync(path, zip);
  try {
    expect(execFileSync('unzip', ['-t', path]).toString()).toContain('No errors detected');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  } finally {
    execFileSync('rm', ['-f', path]);
  }
}

beforeAll(async () => {
  hub = await startHubServer({ models: names.map((name) => modelOf(name)) });
  site = await openSite();
  page = await openPage();
  await layOutModels();
});

afterAll(async () => {
  await site.close();
  await hub.close();
});

describe('models in a folder of this computer', () => {
  it('are picked, and merge into the store, a folder and a zip with the same bytes', async () => {
    await openLocalModels();
    await mergeTo('This browser');
    await expectState('finished');
    const downloading = page.waitForEvent('download');
    await button('Export').click();
    wanted = digests(await readZip(readFileSync(await (await downloading).path())));
    expect([...wanted.keys()]).toContain('model.safetensors');

    await mergeTo('A folder …');
    await expectState('finished');
    await run().getByText(`in the folder ${outputFolder}`).waitFor();
    expect(digests(await diskFiles(outputFolder))).toEqual(wanted);

    await mergeTo('A zip file');
    await expectState('finished');
    await run()
      .getByText(/in the zip file .+\.zip/u)
      .waitFor();
    await expectWholeZip((await zipOnDisk()) ?? Buffer.of());
    expect(await alertsOf(page)).toEqual([]);
  });

  it('leave a whole zip where it is when its run is deleted', async () => {
    await button('Delete …').click();
    await run().getByText('stays where it is').waitFor();
    await button('Delete').first().click();
    await run().getByText(`in the folder ${outputFolder}`).waitFor();
    await expectWholeZip((await zipOnDisk()) ?? Buffer.of());
    await removeFromDisk('.zip');
  });
});

describe('a run into a zip', () => {
  /** The models of the hub have other names, which the model card states. */
  let remote: ReadonlyMap<string, string>;

  it('is cancelled, and leaves no file', async () => {
    await openRemoteModels();
    await mergeTo('This browser');
    await expectState('finished');
    const downloading = page.waitForEvent('download');
    await button('Export').click();
    remote = digests(await readZip(readFileSync(await (await downloading).path())));

    hub.setFaults([slowly]);
    await mergeTo('A zip file');
    await untilUnderWay();
    await button('Cancel').click();
    await expectState('cancelled');
    expect(await zipOnDisk()).toBeUndefined();
  });

  it('is paused, leaves nothing that unpacks, and goes on', async () => {
    await mergeTo('A zip file');
    await untilUnderWay();
    await button('Pause').click();
    await expectState('paused');
    await run().getByText('is not a whole zip yet').waitFor();
    const part = await zipOnDisk();
    expect(part?.byteLength).toBeGreaterThan(100);
    await expect(readZip(part ?? Buffer.of())).rejects.toThrow('no list of files');
    hub.setFaults([]);
    await button('Resume').click();
    await expectState('finished');
    await expectWholeZip((await zipOnDisk()) ?? Buffer.of(), remote);
    await removeFromDisk('.zip');
  });

  it('goes on after a reload in the middle, as does one into a folder from local models', async () => {
    const local = (await runs().locator('.run').count()) - 2;
    await run(local).getByText(`in the folder ${outputFolder}`).waitFor();
    hub.setFaults([slowly]);
    await mergeTo('A zip file');
    await untilUnderWay();
    await removeFromDisk(outputFolder);
    await addsRun(button('Re-run', local + 1));
    await expectState('waits');
    await page.reload();
    await expectState('interrupted', 0);
    await expectState('interrupted', 1);
    const part = await zipOnDisk();
    if (part?.byteLength !== 0) {
      await expect(readZip(part ?? Buffer.of())).rejects.toThrow('no list of files');
    }
    hub.setFaults([]);
    // Models and folder are found again by the handles that the run kept, once each is allowed.
    await page.evaluate(async (name) => {
      const root = await navigator.storage.getDirectory();
      await root.getDirectoryHandle(name, { create: true });
    }, outputFolder);
    await button('Resume', 0).click();
    await expectState('finished', 0);
    expect(await page.evaluate(() => (globalThis as { asked?: string[] }).asked)).toEqual([
      ...names.map((name) => `read ${name}`),
      `readwrite ${outputFolder}`,
    ]);
    expect(digests(await diskFiles(outputFolder))).toEqual(wanted);
    await button('Resume', 1).click();
    await expectState('finished', 1);
    await expectWholeZip((await zipOnDisk()) ?? Buffer.of(), remote);
    expect(await alertsOf(page)).toEqual([]);
  });
});

describe('a zip, in a browser without that dialog', () => {
  beforeAll(async () => {
    await page.close();
    page = await openPage(false);
    hub.setFaults([]);
  });

  it('becomes a download while it is merged', async () => {
    await openLocalModels();
    const downloading = page.waitForEvent('download');
    await mergeTo('A zip file');
    const download = await downloading;
    expect(download.suggestedFilename()).toMatch(/\.zip$/u);
    await expectState('finished');
    await expectWholeZip(readFileSync(await download.path()));
    await run().getByText('as the download').waitFor();
    expect(await alertsOf(page)).toEqual([]);
  });

  it('becomes a download of what this browser keeps, of which the page holds nothing', async () => {
    await mergeTo('This browser');
    await expectState('finished');
    await page.evaluate(() => {
      URL.createObjectURL = () => {
        throw new Error('the page holds a file');
      };
    });
    const downloading = page.waitForEvent('download');
    await button('Export').click();
    const download = await downloading;
    await expectWholeZip(readFileSync(await download.path()));
    await page.getByRole('status').filter({ hasText: 'is complete' }).waitFor();
    expect(await alertsOf(page)).toEqual([]);
  });

  it('leaves no download when it is cancelled, or its page reloaded, and starts anew', async () => {
    await openRemoteModels();
    hub.setFaults([slowly]);
    const first = page.waitForEvent('download');
    await mergeTo('A zip file');
    const cancelled = await first;
    await untilUnderWay();
    expect(await button('Pause').count()).toBe(0);
    await button('Cancel').click();
    await expectState('cancelled');
    expect(await cancelled.failure()).not.toBeNull();

    const second = page.waitForEvent('download');
    await addsRun(button('Re-run'));
    const broken = await second;
    await untilUnderWay();
    await page.reload();
    await expectState('interrupted');
    await run().getByText('Resume starts it anew').waitFor();
    expect(await broken.failure()).not.toBeNull();
    hub.setFaults([]);
    const third = page.waitForEvent('download');
    await button('Resume').click();
    const download = await third;
    await expectState('finished');
    expect(await readZip(readFileSync(await download.path()))).toHaveProperty('size', wanted.size);
  });

  it('fails with a sentence when the download is ended in the browser', async () => {
    await openRemoteModels();
    hub.setFaults([slowly]);
    const downloading = page.waitForEvent('download');
    await mergeTo('A zip file');
    const download = await downloading;
    await untilUnderWay();
    await download.cancel();
    await expectState('failed');
    await run().getByText('ended in the browser').waitFor();
    hub.setFaults([]);
  });
});
