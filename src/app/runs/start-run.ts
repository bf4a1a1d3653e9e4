import type { Recipe } from '../../recipe/recipe';
import type { Collection, PlacedModel, RunRequest } from '../../rpc/lab';
import { methodOf } from '../state/methods';
import type { RecipeDesk } from '../state/recipe-desk';
import type { Setup } from '../state/setup';
import type { RunDesk } from './run-desk.svelte';
import type { RunSettings } from './run-settings.svelte';

/** What a run is made from. */
export interface RunOrigin {
  readonly collection: Collection | undefined;
  readonly recipe: Recipe | undefined;
  readonly setup: Setup;
  readonly places: readonly PlacedModel[];
  readonly runSettings: RunSettings;
  readonly recipes: RecipeDesk;
  readonly runs: RunDesk;
}

/** Starts a run of what the sliders say, as its settings say; nothing while no models are open. */
export async function startRun(session: RunOrigin): Promise<void> {
  const request = await requestOf(session);
  if (request !== undefined) await session.runs.start(request);
}

async function requestOf(session: RunOrigin): Promise<RunRequest | undefined> {
  const { collection, recipe, setup, places, runSettings } = session;
  if (collection === undefined || recipe === undefined) return undefined;
  const { output, to, caching, budgetBytes } = runSettings;
  const { writeRecipe } = await session.recipes.load();
  const specialistCount = recipe.models.length;
  const method = methodOf(recipe.mergeMethod)?.title ?? recipe.mergeMethod;
  return {
    title: `${method}: ${collection.base.title} with ${specialistCount} ${specialistCount === 1 ? 'specialist' : 'specialists'}`,
    recipeText: setup.written?.text ?? writeRecipe(recipe),
    models: places,
    output,
    to,
    caching,
    budgetBytes,
  };
}
