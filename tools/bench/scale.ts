// Merges of real sizes in headless Chromium: six models of 135 million parameters, then six of
// Gemma-2-2B's shapes, through the page's own runs into its own store. The models come from a Hub on
// this machine that computes their bytes (SOURCES=hub), or from sparse folders on disk that are read in
// place (SOURCES=files). The baseline is the slower of two, measured in the same browser before:
// reading the same bytes and dropping them, storing as many bytes as the run writes; of more than some
// GB the first are measured and the time is stretched. Neither the browser nor the Hub does more than a
// merge needs: no test driver listens to the network, and the Hub has hashed its files before.
//
// A merge of Gemma-2-2B's shapes that is written in 4 bits is then spoken to, as a person tries a run.
//
// SIZES=135m,gemma-2b METHODS=task_arithmetic,ties SOURCES=hub,files,mergekit OUTPUTS=checkpoint,q4 name
// parts of it; mergekit is `mergekit-yaml` on the PATH or what MERGEKIT names, and merges the same files.
// LINE_MBIT_PER_S=500 has the Hub send no faster than that, as one that is far away does.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PlacedModel, RunSummary } from '../../src/rpc/lab';
import { startHubServer } from '../../test/hub/server';
import { elementCountOf } from '../../src/core/dtype';
import { modelShapes, tensorsOf, type ModelSize } from '../synth/model-shapes';
import { syntheticFamily } from '../synth/synthetic-model';
import { modelNames, writeModels } from '../synth/write-models';
import { isAsked } from './asked';
import { findMergekit, mergeTheirs } from './mergekit';
import { report } from './report';
import { BareBrowser, type BarePage } from './scale/bare-browser';
import { Line } from './scale/line';
import { browserProcessOf, BrowserWatch, type BrowserCost } from './scale/browser-watch';
import type { ScalePage } from './scale/page';
import type { ProbeAnswer } from './scale/probe.worker';
import { servePage } from '../serve-page';
import { hubModels } from './scale/synthetic-hub';

const modelCount = 6;
/** Most pages of the files on disk are holes: reading them costs memory bandwidth and no disk. */
const filledOnDisk01 = 0.05;
const recipes = {
  task_arithmetic: 'weight: 0.4',
  ties: 'weight: 0.4, density: 0.2',
} as const;
/** Bytes a parameter, at least. */
const outputs = { checkpoint: 2, q4: 0.55 } as const;
const spokenTokens = 8;
const device = `Chromium, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'CPU'}`;
const mergekit = findMergekit();
const lineMbitPerS = Number(process.env['LINE_MBIT_PER_S'] ?? Infinity);

/** Models that the page can open, with what reading them costs. */
interface OpenSource {
  readonly models: readonly PlacedModel[];
  readRaw(page: BarePage): Promise<ProbeAnswer>;
  /** What a Hub has sent so far; more than the models' bytes where some are sent twice. */
  readonly sentBytes: () => number;
  close(): Promise<void>;
}

function recipeOf(method: keyof typeof recipes, names: readonly string[]): string {
  const [base = '', ...specialists] = names;
  return [
    `merge_method: ${method}`,
    `base_model: ${base}`,
    'dtype: float32',
    'out_dtype: bfloat16',
    'models:',
    ...specialists.map((model) => `  - { model: ${model}, parameters: { ${recipes[method]} } }`),
    '',
  ].join('\n');
}

/** Runs one function of the benchmark's page. */
async function ask<T>(page: BarePage, work: (scale: ScalePage) => Promise<T>): Promise<T>;
async function ask<T, A>(
  page: BarePage,
  work: (scale: ScalePage, given: A) => Promise<T>,
  given: A,
): Promise<T>;
async function ask<T, A>(
  page: BarePage,
  work: (scale: ScalePage, given: A) => Promise<T>,
  given?: A,
): Promise<T> {
  const parameters = given === undefined ? '' : `, ${JSON.stringify(given)}`;
  return (await page.evaluate(`(${work.toString()})(globalThis.scale${parameters})`)) as T;
}

async function openHub(size: ModelSize, page: BarePage): Promise<OpenSource> {
  const family = await syntheticFamily({ size, modelCount, seed: 1 });
  const line = new Line();
  const hub = await startHubServer({ models: hubModels(family, line) });
  // The hub hashes its files when it is first asked, which is nobody's reading.
  for (const { label } of family) await fetch(`${hub.url}/api/models/synthetic/${label}`);
  line.bind((lineMbitPerS * 1e6) / 8);
  await ask(page, async (scale, endpoint: string) => scale.pointAtHub(endpoint), hub.url);
  const urls = family.flatMap(({ label, files }) =>
    [...files.keys()].map((path) => `${hub.url}/synthetic/${label}/resolve/main/${path}`),
  );
  return {
    models: family.map(({ label }) => ({
      id: label,
      place: { kind: 'hub', repo: `synthetic/${label}`, revision: 'main' },
    })),
    readRaw: async () => ask(page, async (scale, given: string[]) => scale.fetchRaw(given), urls),
    sentBytes: () => line.carriedBytes,
    close: async () => hub.close(),
  };
}

async function openFiles(folder: string, page: BarePage): Promise<OpenSource> {
  for (const name of modelNames(modelCount)) {
    await page.pickFolder('input', join(folder, name));
    await ask(page, async (scale, id: string) => Promise.resolve(scale.pickFolder(id)), name);
  }
  return {
    models: [],
    readRaw: async () => ask(page, async (scale) => scale.readRaw()),
    sentBytes: () => 0,
    close: async () => Promise.resolve(),
  };
}

async function measure(size: ModelSize, kind: 'hub' | 'files', folder: string): Promise<void> {
  const profile = await mkdtemp(join(tmpdir(), 'mergelab-profile-'));
  const site = await servePage('tools/bench/scale/index.html');
  const browser = new BareBrowser(profile);
  const elementCount = tensorsOf(modelShapes[size]).reduce(
    (sum, { shape }) => sum + elementCountOf(shape),
    0,
  );
  let source: OpenSource | undefined;
  try {
    const page = await browser.open(site.address);
    await page.waitFor("'scale' in globalThis");
    source = kind === 'hub' ? await openHub(size, page) : await openFiles(folder, page);
    const opened = source;
    const browserId = browserProcessOf(profile);
    const [read, readCost] = await watched(browserId, async () => opened.readRaw(page));
    const [stored, storeCost] = await watched(browserId, async () =>
      ask(page, async (scale, sizeBytes: number) => scale.storeRaw(sizeBytes), 2 * elementCount),
    );
    for (const method of ['task_arithmetic', 'ties'] as const) {
      if (!isAsked('METHODS', method)) continue;
      for (const output of ['checkpoint', 'q4'] as const) {
        if (!isAsked('OUTPUTS', output)) continue;
        const byteCount = 2 * elementCount * modelCount;
        const fetchShare = byteCount / read.byteCount;
        const storeShare = (outputs[output] * elementCount) / stored.byteCount;
        const fetchMs = fetchShare * read.elapsedMs;
        const storeMs = storeShare * stored.elapsedMs;
        const sentBefore = opened.sentBytes();
        const startMs = performance.now();
        const [run, cost] = await watched(browserId, async () =>
          carryOut(page, method, output, opened.models),
        );
        const elapsedMs = performance.now() - startMs;
        const outputBytes = run.sizeBytes ?? 0;
        report({
          name: `scale ${size} ${method} to ${output} from ${placeText(kind)}`,
          backend: 'wasm',
          device: `${device}, load ${loadavg()[0]?.toFixed(1) ?? ''}`,
          elementCount,
          byteCount,
          elapsedMs,
          baseline: fetchMs > storeMs ? 'raw read' : 'raw store',
          baselineMs: Math.max(fetchMs, storeMs),
          fetchMs,
          storeMs,
          ...cost,
          fetchCpuMs: fetchShare * readCost.cpuMs,
          storeCpuMs: storeShare * storeCost.cpuMs,
          outputBytes,
          ...(kind === 'hub' ? { sentBytes: opened.sentBytes() - sentBefore } : {}),
        });
        if (outputBytes < 0.9 * outputs[output] * elementCount) {
          throw new Error(`The merge has ${run.sizeBytes} bytes`);
        }
        if (output === 'q4' && size === 'gemma-2b') await speak(page, browserId, run);
        await ask(page, async (scale) => scale.forgetRuns());
      }
    }
  } finally {
    await browser.close();
    await source?.close();
    await site.close();
    await rm(profile, { recursive: true, force: true });
  }
}

function placeText(kind: 'hub' | 'files'): string {
  if (kind === 'files' || lineMbitPerS === Infinity) return kind;
  return `hub over ${lineMbitPerS} Mbit/s`;
}

/** Loads a run's weights from the store and has them write a few words. */
async function speak(page: BarePage, browserId: number, run: RunSummary): Promise<void> {
  const startMs = performance.now();
  const [{ firstTokenMs, tokensPerSecond }, cost] = await watched(browserId, async () => {
    await ask(page, async (scale, id: string) => scale.speak(id, 1), run.id);
    const first = performance.now() - startMs;
    const given = { id: run.id, count: spokenTokens };
    const spoken = await ask(
      page,
      async (scale, { id, count }: typeof given) => scale.speak(id, count),
      given,
    );
    return { firstTokenMs: first, tokensPerSecond: spoken.tokensPerSecond };
  });
  const elapsedMs = performance.now() - startMs;
  report({
    name: `speak ${run.title} in q4`,
    backend: 'wasm',
    device,
    elementCount: 0,
    byteCount: run.sizeBytes ?? 0,
    elapsedMs,
    baseline: 'itself',
    baselineMs: elapsedMs,
    firstTokenMs,
    tokensPerSecond,
    ...cost,
  });
}

/** Does some work of the browser and tells what it cost. */
async function watched<T>(
  browserId: number,
  work: () => Promise<T>,
): Promise<readonly [T, BrowserCost]> {
  const watch = new BrowserWatch(browserId);
  try {
    const found = await work();
    return [found, watch.stop()];
  } catch (error) {
    watch.stop();
    throw error;
  }
}

async function carryOut(
  page: BarePage,
  method: keyof typeof recipes,
  output: keyof typeof outputs,
  models: readonly PlacedModel[],
): Promise<RunSummary> {
  const run = await ask(
    page,
    async (scale, given: Parameters<ScalePage['run']>[0]) => scale.run(given),
    {
      title: method,
      recipeText: recipeOf(method, modelNames(modelCount)),
      models,
      output,
      to: 'store',
      caching: 'stream',
      budgetBytes: 1.5e9,
    },
  );
  if (run.state === 'done') return run;
  throw new Error(`The run ${run.state}: ${run.error?.code ?? ''} ${run.error?.sentence ?? ''}`);
}

async function measureTheirs(command: string, size: ModelSize, folder: string): Promise<void> {
  const elementCount = tensorsOf(modelShapes[size]).reduce(
    (sum, { shape }) => sum + elementCountOf(shape),
    0,
  );
  for (const method of ['task_arithmetic', 'ties'] as const) {
    if (!isAsked('METHODS', method)) continue;
    const recipe = join(folder, `${method}.yml`);
    const names = modelNames(modelCount).map((name) => join(folder, name));
    await writeFile(recipe, recipeOf(method, names));
    const { elapsedMs, peakBytes } = await mergeTheirs(
      command,
      recipe,
      join(folder, 'merged'),
      folder,
    );
    report({
      name: `scale ${size} ${method} by mergekit`,
      backend: 'torch',
      device: `${device}, load ${loadavg()[0]?.toFixed(1) ?? ''}`,
      elementCount,
      byteCount: 2 * elementCount * modelCount,
      elapsedMs,
      baseline: 'itself',
      baselineMs: elapsedMs,
      peakBytes,
    });
  }
}

for (const size of ['135m', 'gemma-2b'] as const) {
  if (!isAsked('SIZES', size)) continue;
  if (isAsked('SOURCES', 'hub')) await measure(size, 'hub', '');
  const needsFolder = isAsked('SOURCES', 'files') || isAsked('SOURCES', 'mergekit');
  if (!needsFolder) continue;
  const folder = await mkdtemp(join(tmpdir(), 'mergelab-bench-'));
  try {
    await writeModels(folder, { size, modelCount, seed: 1, filled01: filledOnDisk01 });
    if (isAsked('SOURCES', 'files')) await measure(size, 'files', folder);
    if (mergekit !== undefined && isAsked('SOURCES', 'mergekit')) {
      await measureTheirs(mergekit, size, folder);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}
