// Whole merges of synthetic checkpoints, from starting the process to its end, with reading and
// writing of files: the command line and mergekit on the same files in turns, medians of both. mergekit
// is `mergekit-yaml` on the PATH, or what the environment variable MERGEKIT names; without it the
// baseline is a copy of the same bytes in memory. ROUNDS=1 shortens it: mergekit takes minutes a round.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { elementCountOf } from '../../src/core/dtype';
import type { ModelSize } from '../synth/model-shapes';
import { modelShapes, tensorsOf } from '../synth/model-shapes';
import { modelNames, writeModels } from '../synth/write-models';
import { isAsked } from './asked';
import { copyMs } from './memory-copy';
import { findMergekit, mergeTheirs } from './mergekit';
import { median, report } from './report';
import type { ProcessCost } from './run-process';
import { runProcess } from './run-process';

const modelCount = 6;
/** A single merge by mergekit swings by a third from one to the next. */
const roundCount = Number(process.env['ROUNDS'] ?? 3);
const methods = {
  task_arithmetic: 'weight: 0.4',
  ties: 'weight: 0.4, density: 0.2',
  dare_ties: 'weight: 0.4, density: 0.2',
  della: 'weight: 0.4, density: 0.2, epsilon: 0.1',
  breadcrumbs: 'weight: 0.4, density: 0.2, gamma: 0.01',
};
const device = `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'CPU'}`;
const commandLine = resolve(import.meta.dirname, '../../src/cli/bin.mjs');

const mergekit = findMergekit();
if (mergekit === undefined) {
  console.error(
    'mergekit is not here: install mergekit 0.1.4 or name its mergekit-yaml in MERGEKIT. ' +
      'Merges are compared with a copy in memory instead.',
  );
}

function recipeOf(method: string, parameters: string, folder: string): string {
  const [base = '', ...specialists] = modelNames(modelCount).map((name) => join(folder, name));
  return [
    `merge_method: ${method}`,
    `base_model: ${base}`,
    'dtype: float32',
    'out_dtype: bfloat16',
    'models:',
    ...specialists.map((model) => `  - { model: ${model}, parameters: { ${parameters} } }`),
    '',
  ].join('\n');
}

async function mergeOurs(recipe: string, out: string, folder: string): Promise<ProcessCost> {
  const parameters = [commandLine, 'merge', recipe, '--out', out, '--backend', 'wasm'];
  const cost = await runProcess(process.execPath, parameters, { folder });
  await rm(out, { recursive: true });
  return cost;
}

async function measure(size: ModelSize, against: string | undefined): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'mergelab-bench-'));
  try {
    await writeModels(folder, { size, modelCount, seed: 1 });
    const tensors = tensorsOf(modelShapes[size]);
    const elementCount = tensors.reduce((sum, { shape }) => sum + elementCountOf(shape), 0);
    const byteCount = 2 * elementCount * (modelCount + 1);
    const facts = { backend: 'wasm', device, elementCount, byteCount };
    for (const [method, parameters] of Object.entries(methods)) {
      if (!isAsked('METHODS', method)) continue;
      const recipe = join(folder, `${method}.yml`);
      await writeFile(recipe, recipeOf(method, parameters, folder));
      const out = join(folder, 'merged');
      // The first one also bundles the command line if its sources are newer.
      await mergeOurs(recipe, out, folder);
      const ours: ProcessCost[] = [];
      const theirs: ProcessCost[] = [];
      for (let round = 0; round < roundCount; round++) {
        ours.push(await mergeOurs(recipe, out, folder));
        if (against !== undefined) theirs.push(await mergeTheirs(against, recipe, out, folder));
      }
      const { elapsedMs, peakBytes } = typical(ours);
      const measured = { name: `checkpoint ${size} ${method}`, ...facts, elapsedMs, peakBytes };
      if (against === undefined) {
        report({ ...measured, baseline: 'memory copy', baselineMs: copyMs(byteCount) });
      } else {
        const { elapsedMs: baselineMs, peakBytes: baselinePeakBytes } = typical(theirs);
        report({ ...measured, baseline: 'mergekit', baselineMs, baselinePeakBytes });
      }
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The median time, and the largest peak. */
function typical(costs: readonly ProcessCost[]): ProcessCost {
  return {
    elapsedMs: median(costs.map((cost) => cost.elapsedMs)),
    peakBytes: Math.max(...costs.map((cost) => cost.peakBytes)),
  };
}

if (isAsked('SIZES', '135m')) await measure('135m', mergekit);
// mergekit would take half an hour for these.
if (isAsked('SIZES', '1b')) await measure('1b', undefined);
