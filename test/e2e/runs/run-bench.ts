import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { BackendId, RunRequest, RunSummary } from '../../../src/rpc/lab';
import type { BuiltSite } from '../../../tools/serve-built';
import { servePage } from '../../../tools/serve-page';
import { startHubServer, type HubServer } from '../../hub/server';
import { MortalBrowser, type RunTab } from './mortal-browser';
import { requestFor, runModels, type RunMethod } from './run-models';
import type { SmallDisk } from './small-disk';

type Digests = Readonly<Record<string, string>>;

/** A hub, a page with nothing but runs, and a browser around it that can be killed and started again. */
export class RunBench {
  readonly hub: HubServer;
  readonly #site: BuiltSite;
  readonly #profile = mkdtempSync(join(tmpdir(), 'mergelab-runs-profile-'));
  #browser: MortalBrowser | undefined;
  /** SHA-256 by path, of runs that nothing disturbed. */
  readonly #undisturbed = new Map<string, Digests>();

  private constructor(hub: HubServer, site: BuiltSite) {
    this.hub = hub;
    this.#site = site;
  }

  static async open(): Promise<RunBench> {
    const hub = await startHubServer({ models: await runModels() });
    return new RunBench(hub, await servePage('test/e2e/runs/index.html'));
  }

  get browser(): MortalBrowser {
    if (this.#browser === undefined) throw new Error('No browser was started');
    return this.#browser;
  }

  /** Kills the browser, if there is one, and starts it again: with its profile, or with one on `disk`. */
  async restart(backend: BackendId = 'wasm', disk?: SmallDisk): Promise<void> {
    await this.#browser?.kill();
    this.#browser = await MortalBrowser.start(disk?.path ?? this.#profile, this.#site.address, {
      hasWebGpu: backend === 'webgpu',
      launcher: disk?.launcher ?? [],
    });
    await this.use(this.browser, backend);
  }

  /** Another tab of the same browser. */
  async openTab(): Promise<RunTab> {
    const tab = await this.browser.openTab(this.#site.address);
    await this.use(tab);
    return tab;
  }

  async reload(): Promise<void> {
    await this.browser.page.reload();
    await this.browser.page.waitForFunction(() => 'runPage' in globalThis);
    await this.use(this.browser);
  }

  async use(tab: RunTab, backend: BackendId = 'wasm'): Promise<void> {
    const settings = { endpoint: this.hub.url, backend };
    await tab.ask((page, given) => page.use(given), settings);
  }

  async start(request: RunRequest): Promise<string> {
    return this.browser.ask((page, given) => page.start(given), request);
  }

  async resume(id: string): Promise<void> {
    await this.browser.ask((page, given) => page.resume(given), id);
  }

  /** Waits until nobody works on the run. */
  async rest(id: string): Promise<RunSummary> {
    return this.browser.ask((page, given) => page.rest(given), id);
  }

  /** Waits until the run has come to a stage, which it must. */
  async stage(id: string, stage: string): Promise<void> {
    const seen = await this.browser.ask((page, given) => page.stage(given.id, given.stage), {
      id,
      stage,
    });
    expect(seen).toMatchObject({ state: 'running', stage });
  }

  /** Waits until so much of a run's output is made. */
  async merged(id: string, part01: number): Promise<void> {
    const given = { id, part01 };
    const seen = await this.browser.ask((page, { id, part01 }) => page.merged(id, part01), given);
    expect(seen.state).toBe('running');
  }

  /** Forgets stored models, so that they are fetched again. */
  async forgetModels(): Promise<void> {
    await this.browser.ask((page) => page.forgetModels(), undefined);
  }

  async remove(id: string): Promise<void> {
    await this.browser.ask((page, given) => page.remove(given), id);
  }

  /** Learns what a merge gives. */
  async runUndisturbed(method: RunMethod, backend: BackendId = 'wasm'): Promise<void> {
    const id = await this.start(requestFor(method));
    expect(await this.rest(id)).toMatchObject({ state: 'done' });
    this.#undisturbed.set(`${method} ${backend}`, await this.#digest(id));
    await this.remove(id);
  }

  /** Waits for the end, which must be a whole output of the right bytes. */
  async expectWhole(id: string, method: RunMethod, backend: BackendId = 'wasm'): Promise<void> {
    expect(await this.rest(id)).toMatchObject({ state: 'done' });
    const wanted = this.#undisturbed.get(`${method} ${backend}`);
    expect(wanted?.['model.safetensors']).toMatch(/^[0-9a-f]{64}$/);
    expect(await this.#digest(id)).toEqual(wanted);
  }

  async close(): Promise<void> {
    await this.#browser?.kill();
    await this.#site.close();
    await this.hub.close();
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }

  async #digest(id: string): Promise<Digests> {
    return this.browser.ask((page, given) => page.digest(given), id);
  }
}
