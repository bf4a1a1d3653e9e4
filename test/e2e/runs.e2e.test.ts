import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/core/random';
import { encodeSafetensors } from '../../src/formats/safetensors-writer';
import type { BackendId, RunRequest, RunSummary } from '../../src/rpc/lab';
import { hubModels } from '../../tools/bench/scale/synthetic-hub';
import { syntheticFamily } from '../../tools/synth/synthetic-model';
import { bytesContent } from '../hub/content';
import type { HubTestModel } from '../hub/repos';
import { startHubServer, type HubServer } from '../hub/server';
import { MortalBrowser } from './runs/mortal-browser';
import type { BuiltSite } from '../../tools/serve-built';
import { servePage } from '../../tools/serve-page';

/** `MERGELAB_LONG=1`: six models of 135 million parameters, and 20 kills. Takes half an hour. */
const isLong = process.env['MERGELAB_LONG'] === '1';
const killCount = isLong ? 20 : 4;
const timeoutMs = isLong ? 1_800_000 : 180_000;
const names = isLong
  ? ['base', 'tuned-1', 'tuned-2', 'tuned-3', 'tuned-4', 'tuned-5']
  : ['base', 'tuned-1', 'tuned-2'];

/** 38 MB in bfloat16, three chunks of the store; `tiny` has 9 MB. */
function shapesOf(isTiny: boolean): Readonly<Record<string, readonly number[]>> {
  const size = isTiny ? 512 : 1024;
  const layers = Array.from({ length: 6 }, (_, layer) => [
    `model.layers.${layer}.mlp.up_proj.weight`,
    [2 * size, size],
  ]);
  return {
    'model.embed_tokens.weight': [6 * size, size],
    ...(Object.fromEntries(layers) as Record<string, readonly number[]>),
    'model.norm.weight': [size],
  };
}
const config = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 1024,
  num_hidden_layers: 6,
  tie_word_embeddings: true,
};

function smallModel(label: string, isTiny = false): HubTestModel {
  const shapes = shapesOf(isTiny);
  const random = Random.named(5, label);
  const tile = new Uint16Array((1 << 20) + 7);
  for (let index = 0; index < tile.length; index++) {
    // From 2^-8 to 2^-4, of either sign.
    tile[index] = (random.integer(0, 1) << 15) | random.integer(0x3b80, 0x3d7f);
  }
  const tensors = Object.entries(shapes).map(([name, shape], place) => {
    const count = shape.reduce((product, size) => product * size, 1);
    const values = Uint16Array.from(
      { length: count },
      (_, i) => tile[(i + 997 * place) % tile.length] ?? 0,
    );
    return { name, dtype: 'BF16', shape, bytes: new Uint8Array(values.buffer) } as const;
  });
  return {
    repo: `${isTiny ? 'tiny' : 'synthetic'}/${label}`,
    files: new Map([
      ['config.json', bytesContent(JSON.stringify(config))],
      ['model.safetensors', bytesContent(encodeSafetensors(tensors))],
    ]),
  };
}

/** Ranks all weights of a model together before the first is merged: every stage there is. */
const largeMethod = 'mb_ties';
/** For emulated devices, which are slow. */
const tinyMethod = 'task_arithmetic';
type Method = typeof largeMethod | typeof tinyMethod;

function requestFor(method: Method): RunRequest {
  const owner = method === tinyMethod ? 'tiny' : 'synthetic';
  const [base = '', ...specialists] = method === tinyMethod ? names.slice(0, 3) : names;
  const models = specialists.map(
    (id) => `  - { model: ${id}, parameters: { weight: 0.4, density: 0.3 } }`,
  );
  return {
    title: `${method} of ${specialists.length}`,
    recipeText: [
      `merge_method: ${method}`,
      `base_model: ${base}`,
      'dtype: bfloat16',
      'models:',
      ...models,
      '',
    ].join('\n'),
    models: [base, ...specialists].map((id) => ({
      id,
      place: { kind: 'hub', repo: `${owner}/${id}`, revision: 'main' },
    })),
    output: 'checkpoint',
    to: 'store',
    caching: 'auto',
    budgetBytes: 1.5e9,
  };
}

let hub: HubServer;
let site: BuiltSite;
let profile: string;
let browser: MortalBrowser;
/** SHA-256 by path, of runs that nothing disturbed. */
const undisturbed = new Map<string, Readonly<Record<string, string>>>();

async function open(backend: BackendId = 'wasm'): Promise<void> {
  browser = await MortalBrowser.start(profile, site.address, { hasWebGpu: backend === 'webgpu' });
  await use(backend);
}

async function use(backend: BackendId = 'wasm'): Promise<void> {
  await browser.ask((page, settings) => page.use(settings), { endpoint: hub.url, backend });
}

async function start(request: RunRequest): Promise<string> {
  return browser.ask((page, given) => page.start(given), request);
}

async function rest(id: string): Promise<RunSummary> {
  return browser.ask((page, given) => page.rest(given), id);
}

async function digest(id: string): Promise<Readonly<Record<string, string>>> {
  return browser.ask((page, given) => page.digest(given), id);
}

/** Waits for the end, which must be a whole output of the right bytes. */
async function expectWhole(id: string, method: Method, backend: BackendId = 'wasm') {
  const run = await rest(id);
  expect(run).toMatchObject({ state: 'done' });
  const wanted = undisturbed.get(`${method} ${backend}`);
  expect(wanted?.['model.safetensors']).toMatch(/^[0-9a-f]{64}$/);
  expect(await digest(id)).toEqual(wanted);
}

async function runUndisturbed(method: Method, backend: BackendId = 'wasm') {
  const id = await start(requestFor(method));
  expect(await rest(id)).toMatchObject({ state: 'done' });
  undisturbed.set(`${method} ${backend}`, await digest(id));
  await browser.ask((page, given) => page.remove(given), id);
}

/** So slow that a run can be disturbed at every stage. */
const slowly = { kind: 'slow', bytesPerSecond: isLong ? 40e6 : 12e6 } as const;

beforeAll(async () => {
  const models = isLong
    ? hubModels(await syntheticFamily({ size: '135m', modelCount: names.length, seed: 1 }))
    : names.map((name) => smallModel(name));
  const tiny = names.slice(0, 3).map((name) => smallModel(name, true));
  hub = await startHubServer({ models: [...models, ...tiny] });
  site = await servePage('test/e2e/runs/index.html');
  profile = mkdtempSync(join(tmpdir(), 'mergelab-runs-profile-'));
  await open();
  await runUndisturbed(largeMethod);
}, timeoutMs);

afterEach(() => {
  hub.setFaults([]);
});

afterAll(async () => {
  await browser.kill();
  await site.close();
  await hub.close();
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
});

describe('a run', { timeout: timeoutMs }, () => {
  it(`ends with the same bytes after the browser was killed ${killCount} times`, async () => {
    await browser.ask((page) => page.forgetModels(), undefined);
    hub.setFaults([{ action: slowly, match: /safetensors/ }]);
    const random = Random.named(3, 'kills');
    let id: string | undefined;
    for (let kill = 0; kill < killCount; kill++) {
      if (id === undefined) id = await start(requestFor(largeMethod));
      else await browser.ask((page, given) => page.resume(given), id);
      const lifeMs = (isLong ? 12_000 : 1_600) * (0.1 + random.next01());
      await new Promise((resolve) => setTimeout(resolve, lifeMs));
      await browser.kill();
      await open();
      const { state } = await browser.ask((page, given) => page.summary(given), id);
      expect(['interrupted', 'done']).toContain(state);
    }
    hub.setFaults([]);
    await browser.ask((page, given) => page.resume(given), id ?? '');
    await expectWhole(id ?? '', largeMethod);
  });

  it('ends with the same bytes after a reload in each stage', async () => {
    await browser.ask((page) => page.forgetModels(), undefined);
    hub.setFaults([{ action: slowly, match: /safetensors/ }]);
    const id = await start(requestFor(largeMethod));
    for (const stage of ['Reading headers', 'Measuring the models', 'Merging']) {
      const seen = await browser.ask((page, given) => page.stage(given.id, given.stage), {
        id,
        stage,
      });
      expect(seen).toMatchObject({ state: 'running', stage });
      await browser.page.reload();
      await browser.page.waitForFunction(() => 'runPage' in globalThis);
      await use();
      await browser.ask((page, given) => page.resume(given), id);
    }
    await expectWhole(id, largeMethod);
  });

  it('survives dropped connections, and a Hub that is away', async () => {
    await browser.ask((page) => page.forgetModels(), undefined);
    hub.setFaults([
      { action: { kind: 'drop', afterBytes: 700_000 }, match: /safetensors/, times: 5 },
    ]);
    const id = await start(requestFor(largeMethod));
    await expectWhole(id, largeMethod);
    await browser.ask((page) => page.forgetModels(), undefined);

    hub.setFaults([{ action: { kind: 'status', status: 404 }, match: /safetensors/, after: 2 }]);
    const gone = await start(requestFor(largeMethod));
    const failed = await rest(gone);
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'hub/not-found' } });
    hub.setFaults([]);
    await browser.ask((page, given) => page.resume(given), gone);
    await expectWhole(gone, largeMethod);
  });

  it('makes a damaged chunk again, of a model as of its own output', async () => {
    hub.setFaults([]);
    const first = await start(requestFor(largeMethod));
    await expectWhole(first, largeMethod);
    expect(await browser.ask((page) => page.damage('sha256:'), undefined)).toBeGreaterThan(0);
    const second = await start(requestFor(largeMethod));
    await browser.ask((page, given) => page.stage(given, 'Merging'), second);
    await browser.page.reload();
    await browser.page.waitForFunction(() => 'runPage' in globalThis);
    await use();
    await browser.ask((page, given) => page.damage(`run/${given}/`), second);
    await browser.ask((page, given) => page.resume(given), second);
    await expectWhole(second, largeMethod);
  });

  it('goes on when the graphics device is lost', async () => {
    await browser.kill();
    await open('webgpu');
    await runUndisturbed(tinyMethod, 'webgpu');
    const id = await start(requestFor(tinyMethod));
    await browser.ask((page, given) => page.stage(given, 'Merging'), id);
    await browser.crashGpu();
    await expectWhole(id, tinyMethod, 'webgpu');
  });
});
