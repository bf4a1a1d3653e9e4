import { createHash } from 'node:crypto';
import { basename, dirname, resolve } from 'node:path';
import { runBackendBytes } from '../engine/memory-shares';
import { writeFolder } from '../engine/node-sink';
import { describeOutput } from '../engine/output-files';
import { planRecipes } from '../engine/plan-recipes';
import { runsOn } from '../engine/run-merge';
import { parseByteSize } from '../engine/shards';
import type { StreamHash } from '../formats/hashes';
import { releaseEntryPoints } from '../gpu/adapter';
import type { MergeBackend } from '../expr/backend';
import { chooseBackend } from '../methods/choose-backend';
import type { Recipe } from '../recipe/recipe';
import { recipesHash } from '../recipe/recipe-hash';
import { writeRecipes } from '../recipe/write-recipe';
import { GivenOptions, type Command } from './command';
import { hubFrom } from './hub-option';
import { memoryBound } from './memory-option';
import { progressLine } from './progress-line';
import { readRecipe } from './read-recipe';
import { openRecipeInputs } from './recipe-inputs';

const usage =
  'mergelab merge RECIPE.yml --out DIR [--backend wasm|webgpu|oracle] [--root DIR] [--hub URL] [--seed N] [--max-shard-size SIZE] [--memory SIZE] [--lenient] [--json]';

/**
 * Merges local folders and models on the Hub into a new folder in Hugging Face layout. Of a file with several recipes the
 * last is carried out, with those that it needs as stages. `--memory` bounds the memory of the process;
 * without it slices have a fixed size.
 */
export const mergeCommand: Command = {
  name: 'merge',
  usage,
  summary: 'merge models as a recipe says',
  async run(parameters, signal) {
    const options = new GivenOptions(
      parameters,
      {
        out: { type: 'string' },
        backend: { type: 'string' },
        root: { type: 'string' },
        hub: { type: 'string' },
        seed: { type: 'string' },
        'max-shard-size': { type: 'string' },
        // mergekit's name of the same.
        'out-shard-size': { type: 'string' },
        memory: { type: 'string' },
        lenient: { type: 'boolean' },
        json: { type: 'boolean' },
      },
      usage,
    );
    const recipePath = options.single('RECIPE.yml');
    const out = options.required('out');
    const wanted = options.choice('backend', ['wasm', 'webgpu', 'oracle']) ?? 'wasm';
    const seed = options.integer('seed', 0);
    const shardSize = options.text('max-shard-size') ?? options.text('out-shard-size');
    const maxShardBytes = shardSize === undefined ? undefined : parseByteSize(shardSize, 'shard');
    const budgetBytes = memoryBound(options);
    const read = await readRecipe(recipePath, options.flag('lenient'));
    const recipes = read.recipes.map((recipe) => seeded(recipe, seed));
    const root = options.text('root') ?? dirname(resolve(recipePath));
    const hub = hubFrom(options);
    const progress = progressLine();
    const opening = { hub, signal, onProgress: progress.show };
    const opened = await openRecipeInputs(recipes, root, opening).finally(progress.clear);
    let backend: MergeBackend | undefined;
    try {
      const memoryBytes = budgetBytes === undefined ? undefined : runBackendBytes(budgetBytes);
      ({ backend } = await chooseBackend(wanted, { memoryBytes }));
      const startMs = performance.now();
      const { inputs, openAdapter } = opened;
      const plan = await planRecipes(recipes, inputs, {
        signal,
        startRun: runsOn(backend),
        budgetBytes,
        openAdapter,
      });
      printWarnings([
        ...read.warnings,
        ...opened.unusedStages.map((name) => `The recipe ${name} is not used by the last one.`),
        ...plan.findings.flatMap(({ severity, sentence }) =>
          severity === 'warning' ? [sentence] : [],
        ),
      ]);
      const files = describeOutput(plan, backend, {
        title: basename(resolve(out)),
        recipeText: seed === undefined ? read.text : writeRecipes(recipes),
        maxShardBytes,
        createHash: nodeHash,
        onProgress: progress.show,
        signal,
      });
      await writeFolder(files, out, signal);
      progress.clear();
      const report = {
        out,
        recipeHash: await recipesHash(recipes),
        backend: backend.id,
        device: backend.device,
        elapsedMs: Math.round(performance.now() - startMs),
        bytesRead: plan.cost.bytesRead,
        bytesWritten: plan.cost.bytesWritten,
        files: files.map(({ path, sizeBytes }) => ({ path, sizeBytes })),
      };
      if (options.flag('json')) console.log(JSON.stringify(report));
      else {
        console.log(
          `Merged into ${out} in ${(report.elapsedMs / 1000).toFixed(2)} s on ${backend.device}.`,
        );
      }
    } finally {
      progress.clear();
      backend?.dispose();
      releaseEntryPoints();
      await opened.close();
    }
  },
};

function printWarnings(sentences: readonly string[]): void {
  for (const sentence of new Set(sentences)) console.error(`warning: ${sentence}`);
}

/** Several times faster than WebAssembly. */
function nodeHash(): StreamHash {
  const hash = createHash('sha256');
  return {
    update: (bytes) => {
      hash.update(bytes);
    },
    digestHex: () => hash.digest('hex'),
  };
}

/** The command line's seed stands before the recipe's. */
function seeded(recipe: Recipe, seed: number | undefined): Recipe {
  return seed === undefined ? recipe : { ...recipe, mergelab: { ...recipe.mergelab, seed } };
}
