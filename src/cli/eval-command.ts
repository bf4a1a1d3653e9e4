import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { LabError } from '../core/errors';
import { defaultMaxNewTokens, evaluate } from '../eval/evaluate';
import type { ItemResult } from '../eval/item-result';
import { parseItems, type EvalItem } from '../eval/items';
import { nodePythonPort } from '../eval/python/python-port';
import { PythonSandbox } from '../eval/python/python-sandbox';
import { makeReport } from '../eval/report';
import { itemSetHash, selectQuick } from '../eval/select-items';
import { domainIds, type DomainId } from '../eval/tasks/task';
import { GivenOptions, type Command } from './command';
import { loadFolder, runnableDtypes } from './open-model';
import { progressLine } from './progress-line';

const usage =
  'mergelab eval MODEL_DIR [--suite zoo] [--tasks math,safety,…] [--limit N] [--seed N] [--dtype fp32|fp16|q8|q4] [--json]';

/** Scores a local model on the zoo's held-out items. */
export const evalCommand: Command = {
  name: 'eval',
  usage,
  summary: 'score a local model on held-out items',
  async run(parameters, signal) {
    const options = new GivenOptions(
      parameters,
      {
        suite: { type: 'string' },
        tasks: { type: 'string' },
        limit: { type: 'string' },
        seed: { type: 'string' },
        dtype: { type: 'string' },
        json: { type: 'boolean' },
      },
      usage,
    );
    const folder = options.single('MODEL_DIR');
    options.choice('suite', ['zoo']);
    const seed = options.integer('seed', 0) ?? 0;
    const dtype = options.choice('dtype', runnableDtypes);
    const items = await zooItems(tasksOf(options), options.integer('limit', 1), seed);
    const progress = progressLine();
    const model = await loadFolder(folder, dtype, { signal, onProgress: progress.show }).finally(
      progress.clear,
    );
    const python = new PythonSandbox({
      createPort: () => nodePythonPort(new Worker(new URL('./python-thread.js', import.meta.url))),
      baseUrl: `${pathToFileURL(dirname(packageFile('pyodide'))).href}/`,
    });
    const startedAt = new Date().toISOString();
    const startMs = performance.now();
    const results: ItemResult[] = [];
    try {
      for await (const update of evaluate(model, { items, seed, python, signal })) {
        results.push(...update.newItems);
        const { doneCount, totalCount } = update;
        progress.show({ stage: 'Scoring', done: doneCount, total: totalCount, unit: 'items' });
      }
    } finally {
      progress.clear();
      python.close();
    }
    const report = makeReport(
      {
        modelHash: '',
        modelName: folder,
        itemSetHash: itemSetHash(items),
        seed,
        device: `wasm, ${model.facts.threadCount} threads`,
        dtype: model.facts.dtype,
        maxNewTokens: defaultMaxNewTokens,
        versions: { python: python.pythonVersion ?? 'not used' },
        startedAt,
        elapsedMs: Math.round(performance.now() - startMs),
      },
      results,
    );
    await model.dispose();
    if (options.flag('json')) {
      console.log(JSON.stringify(report));
      return;
    }
    for (const { domain, score01, low01, high01, itemCount } of report.scores) {
      const percent = (value01: number): string => (100 * value01).toFixed(1).padStart(5);
      console.log(
        `${domain.padEnd(13)}${percent(score01)} %  [${percent(low01)}, ${percent(high01)}]  n = ${itemCount}`,
      );
    }
  },
};

function tasksOf(options: GivenOptions): readonly DomainId[] {
  const names = options.text('tasks')?.split(',');
  if (names === undefined) return domainIds;
  return names.map((name) => {
    const domain = domainIds.find((id) => id === name.trim());
    if (domain === undefined) {
      throw options.error(`"${name}" is no task; tasks are ${domainIds.join(', ')}.`);
    }
    return domain;
  });
}

async function zooItems(
  domains: readonly DomainId[],
  limit: number | undefined,
  seed: number,
): Promise<readonly EvalItem[]> {
  const folder = join(dirname(fileURLToPath(import.meta.url)), '..', 'public', 'zoo', 'items');
  const items: EvalItem[] = [];
  for (const domain of domains) {
    const path = join(folder, `${domain}.jsonl`);
    if (!existsSync(path)) {
      throw new LabError(
        'source/missing-file',
        `The items ${path} are missing. Restore the folder public/zoo.`,
      );
    }
    items.push(...parseItems(await readFile(path, 'utf8'), `${domain}.jsonl`));
  }
  return limit === undefined ? items : selectQuick(items, limit, seed);
}

function packageFile(name: string): string {
  return createRequire(import.meta.url).resolve(`${name}/package.json`);
}
