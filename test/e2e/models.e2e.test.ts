import { readFileSync } from 'node:fs';
import type { Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeState } from '../../src/recipe/url-codec';
import { startHubServer, type HubServer } from '../hub/server';
import { modelOf } from './large-models';
import { alertsOf, openSite, patienceMs, type OpenSite } from './site';

const token = 'hf_SecretOfModels';

let hub: HubServer;
let site: OpenSite;
let page: Page;

const picker = () => page.getByRole('dialog', { name: 'Choose models' });
const chosen = () => picker().getByRole('region', { name: 'Chosen models' });
const runs = () => page.getByRole('region', { name: 'Runs' });

beforeAll(async () => {
  hub = await startHubServer({
    models: [modelOf('base', 'manual'), modelOf('math'), modelOf('coding')],
    users: [{ name: 'ada', token, accepted: ['lab/base'] }],
  });
  site = await openSite();
  page = await site.context.newPage();
  await page.goto(site.address);
  await page.getByRole('button', { name: 'Choose models' }).click();
});

afterAll(async () => {
  await site.close();
  await hub.close();
});

describe('models of a hub', () => {
  it('are searched, let in through their gate, planned and opened', async () => {
    await picker().getByRole('tab', { name: 'Hugging Face' }).click();
    await picker().getByText('Advanced').click();
    await picker().getByLabel('Address of the hub').fill(hub.url);
    await picker().getByRole('button', { name: 'Use', exact: true }).click();
    const search = picker().getByRole('searchbox', { name: 'Find a model' });
    await search.fill('lab');
    await picker()
      .getByRole('button', { name: /^lab\/math/u })
      .click();
    await picker().getByRole('button', { name: 'Choose as specialist' }).click();
    await search.fill('lab/coding');
    await picker().getByRole('heading', { name: 'lab/coding' }).waitFor();
    await picker().getByRole('button', { name: 'Choose as specialist' }).click();
    await search.fill(`${hub.url}/lab/base/tree/main`);
    await picker().getByRole('button', { name: 'Choose as base' }).click();

    await chosen().getByText('lab/base is gated:').waitFor();
    await chosen().getByLabel('Access token').fill(token);
    await chosen().getByRole('checkbox', { name: 'Keep it in this browser' }).check();
    await chosen().getByRole('button', { name: 'Use the token' }).click();
    await chosen().getByText('These models fit together.').waitFor();
    expect(await chosen().textContent()).toMatch(/To download 113 MB.*Merged model 37\.7 MB/su);
    // Headers alone were read.
    const weightBytes = hub.requests.filter(
      ({ at, headers }) => at === 'cdn' && !/^bytes=\d{1,6}-/u.test(headers.range ?? ''),
    );
    expect(weightBytes).toEqual([]);
    await chosen().getByRole('button', { name: 'Open these 3 models' }).click();
    await picker().waitFor({ state: 'hidden' });
    expect(await alertsOf(page)).toEqual([]);
  });

  it('merge as a run that a reload interrupts and that goes on', async () => {
    // Slow enough that there is something to interrupt.
    hub.setFaults([{ at: 'cdn', action: { kind: 'slow', bytesPerSecond: 4e6 } }]);
    await page.getByRole('button', { name: 'Merge', exact: true }).click();
    const state = runs().locator('.run-state');
    await state.filter({ hasText: 'running' }).waitFor();
    await page.waitForTimeout(1000);
    await page.reload();
    await state.filter({ hasText: 'interrupted' }).waitFor({ timeout: patienceMs });
    hub.setFaults([]);
    // The browser was asked to keep the token and the address of the hub.
    await runs()
      .getByRole('button', { name: /^Resume/u })
      .click();
    await state.filter({ hasText: 'finished' }).waitFor({ timeout: patienceMs });
    expect(await alertsOf(page)).toEqual([]);
  });

  it('can be exported once they are merged, and pushed to the hub', async () => {
    const downloading = page.waitForEvent('download');
    await runs()
      .getByRole('button', { name: /^Export/u })
      .click();
    const zip = readFileSync(await (await downloading).path());
    expect(zip.subarray(0, 2).toString()).toBe('PK');
    expect(zip.length).toBeGreaterThan(37_000_000);
    for (const name of ['config.json', 'README.md', 'mergekit_config.yml']) {
      expect(zip.includes(name), name).toBe(true);
    }
    expect(zip.includes(token)).toBe(false);

    await runs()
      .getByRole('button', { name: /^Push to the Hub/u })
      .click();
    await runs()
      .getByLabel(/^Name on/u)
      .fill('ada/merged');
    await runs().getByRole('button', { name: 'Upload' }).click();
    await runs().getByRole('link', { name: 'ada/merged' }).waitFor({ timeout: patienceMs });
    expect(hub.repos.has('ada/merged')).toBe(true);
  });

  it('can be merged once more, under a title of its own', async () => {
    await runs()
      .getByRole('button', { name: /^Re-run/u })
      .click();
    const second = runs().getByRole('listitem', { name: /with 2 specialists \(2\)$/u });
    await second.getByText('finished').waitFor({ timeout: patienceMs });
    expect(await runs().locator('.run').count()).toBe(2);
  });

  it('are read in the name of who signs in at the hub', async () => {
    const own = await site.context.newPage();
    await own.addInitScript((id) => {
      // What whoever deploys the site would write into its page.
      document.addEventListener('DOMContentLoaded', () => {
        const meta = document.createElement('meta');
        meta.name = 'hub-client-id';
        meta.content = id;
        document.head.append(meta);
      });
    }, 'mergelab-test');
    await own.goto(`${site.address}#r=kept`);
    await own.getByRole('button', { name: 'Choose models' }).click();
    await own.getByRole('tab', { name: 'Hugging Face' }).click();
    await own.getByText('Access to gated models').click();
    await own.getByRole('button', { name: 'Forget the token' }).click();
    await own.getByRole('button', { name: 'Sign in at' }).click();
    await own.waitForURL(/oauth|#r=kept/u);
    await own.getByRole('button', { name: 'Choose models' }).click();
    await own.getByRole('tab', { name: 'Hugging Face' }).click();
    await own.getByText('Access to gated models').click();
    await own.getByText('Signed in as ada').waitFor();
    expect(new URL(own.url()).search).toBe('');
    expect(await own.evaluate(() => JSON.stringify([localStorage, sessionStorage]))).not.toContain(
      token,
    );
    await own.close();
  });

  it('travel in the link without the token, and are offered, not opened', async () => {
    await page.getByText('This link was made with').waitFor();
    const linked: unknown = await decodeState(new URL(page.url()).hash.slice('#r='.length));
    const text = JSON.stringify(linked);
    for (const name of ['base', 'math', 'coding']) expect(text).toContain(`lab/${name}`);
    expect(text).not.toContain(token);
    hub.forgetRequests();
    await page.reload();
    await page.getByText('This link was made with').waitFor();
    await page.getByRole('slider', { name: 'math coefficient' }).waitFor();
    expect(hub.requests).toEqual([]);
  });

  it('are named when the browser has dropped their runs with all that was stored', async () => {
    await runs().getByText('2 runs').waitFor();
    await page.evaluate(
      () =>
        new Promise((resolve, reject) => {
          const request = indexedDB.deleteDatabase('mergelab');
          request.addEventListener('success', resolve);
          request.addEventListener('error', reject);
        }),
    );
    await page.reload();
    const loss = page.getByRole('alert').filter({ hasText: 'store/lost' });
    await loss.getByText('with 2 runs').waitFor();
    await loss.getByRole('button', { name: 'Dismiss' }).click();
    await page.reload();
    await runs().getByText('Merges of large models run here').waitFor();
    expect(await alertsOf(page)).toEqual([]);
  });
});
