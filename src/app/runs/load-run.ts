import { parseRecipes } from '../../recipe/parse-recipe';
import type { RunSummary } from '../../rpc/lab';
import { isSamePlace } from '../models/chosen-models.svelte';
import type { LabSession } from '../state/lab-session.svelte';

/**
 * Puts a run's recipe into the sliders. Where its models are not open, the picker asks for them, and
 * the recipe follows when they are.
 */
export async function loadRun(session: LabSession, run: RunSummary): Promise<void> {
  try {
    const { models, recipeText } = await session.lab().requestOfRun(run.id);
    const { setupFromText } = await session.recipes.load();
    const { collection, places } = session;
    const areOpen = models.every(({ id, place }) =>
      places.some((open) => open.id === id && isSamePlace(open.place, place)),
    );
    if (areOpen && collection !== undefined) {
      session.change(setupFromText(recipeText, collection));
      session.activity.say(`The sliders show the recipe of ${run.title}.`);
    } else {
      session.applyLater(recipeText);
      const base = parseRecipes(recipeText).at(-1)?.recipe.baseModel;
      session.ask = { models, baseId: base ?? models[0]?.id ?? '' };
    }
    session.problems.clear('runs');
  } catch (error) {
    session.problems.report(error, 'runs');
  }
}
