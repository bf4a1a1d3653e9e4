import { basename, dirname, resolve } from 'node:path';
import { writeFolder } from '../engine/node-sink';
import { describeOutput } from '../engine/output-files';
import { planMerge } from '../engine/plan';
import { releaseEntryPoints } from '../gpu/adapter';
import { chooseBackend } from '../methods/choose-backend';
import type { Recipe } from '../recipe/recipe';
import { recipeHash } from '../recipe/recipe-hash';
import { writeRecipe } from '../recipe/write-recipe';
import { GivenOptions, type Command } from './command';
import { progressLine } from './progress-line';
import { readRecipe } from './read-recipe';
import { openRecipeInputs } from './recipe-inputs';

const usage =
  'mergelab merge RECIPE.yml --out DIR [--backend wasm|webgpu|oracle] [--root DIR] [--seed N] [--json]';

/** Merges local folders into a new folder in Hugging Face layout. */
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
        seed: { type: 'string' },
        json: { type: 'boolean' },
      },
      usage,
    );
    const recipePath = options.single('RECIPE.yml');
    const out = options.required('out');
    const wanted = options.choice('backend', ['wasm', 'webgpu', 'oracle']) ?? 'wasm';
    const seed = options.integer('seed', 0);
    const read = await readRecipe(recipePath);
    const recipe = seeded(read.recipe, seed);
    const root = options.text('root') ?? dirname(resolve(recipePath));
    const { inputs, close } = await openRecipeInputs(recipe, root);
    const { backend } = await chooseBackend(wanted);
    const progress = progressLine();
    const startMs = performance.now();
    try {
      const plan = await planMerge(recipe, inputs, { signal });
      for (const finding of plan.findings) {
        if (finding.severity === 'warning') console.error(`warning: ${finding.sentence}`);
      }
      const files = describeOutput(plan, backend, {
        title: basename(resolve(out)),
        recipeText: seed === undefined ? read.text : writeRecipe(recipe),
        onProgress: progress.show,
        signal,
      });
      await writeFolder(files, out, signal);
      progress.clear();
      const report = {
        out,
        recipeHash: await recipeHash(recipe),
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
      backend.dispose();
      releaseEntryPoints();
      await close();
    }
  },
};

/** The command line's seed stands before the recipe's. */
function seeded(recipe: Recipe, seed: number | undefined): Recipe {
  return seed === undefined ? recipe : { ...recipe, mergelab: { ...recipe.mergelab, seed } };
}
