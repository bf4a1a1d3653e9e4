import { dirname, resolve } from 'node:path';
import { planRecipes } from '../engine/plan-recipes';
import { shownBytes } from '../formats/text';
import { GivenOptions, type Command } from './command';
import { hubFrom } from './hub-option';
import { memoryBound } from './memory-option';
import { progressLine } from './progress-line';
import { readRecipe } from './read-recipe';
import { openRecipeInputs } from './recipe-inputs';
import { tensorLine, tensorReport } from './tensor-lines';

const usage =
  'mergelab plan RECIPE.yml [--root DIR] [--hub URL] [--tensors] [--memory SIZE] [--lenient] [--json]';

/**
 * Says what a merge would cost and what speaks against it, and with `--tensors` the parameters that
 * every tensor gets; reads headers only.
 */
export const planCommand: Command = {
  name: 'plan',
  usage,
  summary: 'tell what a merge costs and whether the models fit together',
  async run(parameters, signal) {
    const options = new GivenOptions(
      parameters,
      {
        root: { type: 'string' },
        hub: { type: 'string' },
        tensors: { type: 'boolean' },
        memory: { type: 'string' },
        lenient: { type: 'boolean' },
        json: { type: 'boolean' },
      },
      usage,
    );
    const recipePath = options.single('RECIPE.yml');
    const { recipes, warnings } = await readRecipe(recipePath, options.flag('lenient'));
    for (const sentence of warnings) console.error(`warning: ${sentence}`);
    const root = options.text('root') ?? dirname(resolve(recipePath));
    const progress = progressLine();
    const opening = { hub: hubFrom(options), signal, onProgress: progress.show };
    const { inputs, openAdapter, close } = await openRecipeInputs(recipes, root, opening).finally(
      progress.clear,
    );
    try {
      const plan = await planRecipes(recipes, inputs, {
        openAdapter,
        signal,
        budgetBytes: memoryBound(options),
      });
      const { cost, findings, tensors, configChanges } = plan;
      const donor = plan.donor.id;
      const listsTensors = options.flag('tensors');
      if (options.flag('json')) {
        const listed = listsTensors ? { tensors: tensors.map(tensorReport) } : {};
        console.log(JSON.stringify({ cost, findings, donor, configChanges, ...listed }));
        return;
      }
      if (listsTensors) for (const tensor of tensors) console.log(tensorLine(tensor));
      console.log(`config from    ${donor}`);
      console.log(`tensors        ${cost.tensorCount} with ${cost.elementCount} weights to merge`);
      console.log(`passes         ${cost.passCount}`);
      console.log(`bytes to read  ${shownBytes(cost.bytesRead)}`);
      console.log(`bytes to write ${shownBytes(cost.bytesWritten)}`);
      console.log(`peak memory    ${shownBytes(cost.peakMemoryBytes)}`);
      for (const { severity, code, sentence } of findings) {
        console.log(`${severity} ${code}: ${sentence}`);
      }
      const misfits = findings.filter(({ severity }) => severity !== 'note');
      if (misfits.length === 0) console.log('The models fit together.');
    } finally {
      await close();
    }
  },
};
