import type { Recipe } from '../../recipe/recipe';
import type { Collection, PlacedModel, RunRequest } from '../../rpc/lab';
import { countedText } from '../state/format';
import { methodOf } from '../state/methods';
import type { RecipeDesk } from '../state/recipe-desk';
import type { Setup } from '../state/setup';
import type { Problems } from '../state/problems.svelte';
import type { RunDesk } from './run-desk.svelte';
import type { RunSettings } from './run-settings.svelte';
import { targetOf } from './run-target';

/** What a run is made from. */
export interface RunOrigin {
  readonly collection: Collection | undefined;
  readonly recipe: Recipe | undefined;
  readonly setup: Setup;
  readonly places: readonly PlacedModel[];
  readonly runSettings: RunSettings;
  readonly recipes: RecipeDesk;
  readonly runs: RunDesk;
  readonly problems: Problems;
}

/**
 * Starts a run of what the sliders say, as its settings say; nothing while no models are open, or when
 * the person names no file for its zip. Must be called from a click.
 */
export async function startRun(session: RunOrigin): Promise<void> {
  try {
    const request = await requestOf(session);
    if (request !== undefined) await session.runs.start(request);
  } catch (error) {
    session.problems.report(error, 'runs');
  }
}

async function requestOf(session: RunOrigin): Promise<RunRequest | undefined> {
  const { collection, recipe, setup, places, runSettings } = session;
  if (collection === undefined || recipe === undefined) return undefined;
  const { output, destination, caching, budgetBytes } = runSettings;
  const specialistCount = recipe.models.length;
  const method = methodOf(recipe.mergeMethod)?.title ?? recipe.mergeMethod;
  const what = `${collection.base.title} with ${countedText(specialistCount, 'specialist')}`;
  const title = session.runs.titleFor(`${method}: ${what}`);
  // First of all: a browser lets a page ask only soon after the click.
  const to = await targetOf(destination, title);
  const { writeRecipe } = await session.recipes.load();
  return {
    title,
    recipeText: setup.written?.text ?? writeRecipe(recipe),
    models: places,
    output,
    to,
    caching,
    budgetBytes,
  };
}
