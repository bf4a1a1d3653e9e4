import { dirname, resolve } from 'node:path';
import { planMerge } from '../engine/plan';
import { GivenOptions, type Command } from './command';
import { readRecipe } from './read-recipe';
import { openRecipeInputs } from './recipe-inputs';

const usage = 'mergelab plan RECIPE.yml [--root DIR] [--json]';

/** Says what a merge would cost and what speaks against it; reads headers only. */
export const planCommand: Command = {
  name: 'plan',
  usage,
  summary: 'tell what a merge costs and whether the models fit together',
  async run(parameters) {
    const options = new GivenOptions(
      parameters,
      { root: { type: 'string' }, json: { type: 'boolean' } },
      usage,
    );
    const recipePath = options.single('RECIPE.yml');
    const { recipe } = await readRecipe(recipePath);
    const root = options.text('root') ?? dirname(resolve(recipePath));
    const { inputs, close } = await openRecipeInputs(recipe, root);
    try {
      const { cost, findings } = await planMerge(recipe, inputs);
      if (options.flag('json')) {
        console.log(JSON.stringify({ cost, findings }));
        return;
      }
      const megabytes = (sizeBytes: number): string => `${(sizeBytes / 1e6).toFixed(1)} MB`;
      console.log(`tensors        ${cost.tensorCount} with ${cost.elementCount} weights to merge`);
      console.log(`passes         ${cost.passCount}`);
      console.log(`bytes to read  ${megabytes(cost.bytesRead)}`);
      console.log(`bytes to write ${megabytes(cost.bytesWritten)}`);
      console.log(`peak memory    ${megabytes(cost.peakMemoryBytes)}`);
      for (const { severity, code, sentence } of findings) {
        console.log(`${severity} ${code}: ${sentence}`);
      }
      if (findings.length === 0) console.log('The models fit together.');
    } finally {
      await close();
    }
  },
};
