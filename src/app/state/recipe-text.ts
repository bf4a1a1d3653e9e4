import { recipeVocabulary as vocabulary } from '../../engine/recipe-vocabulary';
import { completionsAt, hoverAt, type RecipeCompletions } from '../../recipe/complete-recipe';
import { editRecipe } from '../../recipe/edit-recipe';
import { lintRecipe, parseRecipe } from '../../recipe/parse-recipe';
import type { RecipeProblem } from '../../recipe/problem';
import type { Recipe } from '../../recipe/recipe';
import type { Collection } from '../../rpc/lab';
import type { Setup } from './setup';
import { setupFromRecipe } from './setup-from-recipe';
import type { WrittenRecipe } from './written-recipe';

// Brings the YAML reader, which the first load does without: import it when a recipe is written.
export { writeRecipe } from '../../recipe/write-recipe';
export type { RecipeCompletions, RecipeProblem };

/** The models that a recipe can name. */
function modelNames({ base, specialists }: Collection): readonly string[] {
  return [base, ...specialists].map(({ id }) => id);
}

/** Everything that is wrong in a text, from its top down. */
export function problemsIn(text: string, collection: Collection): readonly RecipeProblem[] {
  return lintRecipe(text, { vocabulary, models: modelNames(collection) });
}

/** What may be written at a place of the text. */
export function completionsIn(
  text: string,
  offset: number,
  collection: Collection,
): RecipeCompletions {
  return completionsAt(text, offset, { vocabulary, models: modelNames(collection) });
}

/** What the word at a place of the text means. */
export function meaningAt(text: string, offset: number): ReturnType<typeof hoverAt> {
  return hoverAt(text, offset, { vocabulary });
}

/**
 * A text as the page's setup: it is in force, and the sliders show what they can of it.
 * @throws LabError as `parseRecipe`
 */
export function setupFromText(text: string, collection: Collection): Setup {
  const models = modelNames(collection);
  const recipe = parseRecipe(text, 'The recipe', { vocabulary, models });
  return setupOf({ text, recipe }, collection);
}

/** A written recipe after the sliders changed what it says; comments and order stay. */
export function rewritten(
  { text }: WrittenRecipe,
  recipe: Recipe,
  collection: Collection,
): WrittenRecipe {
  const edited = editRecipe(text, recipe);
  return { text: edited, recipe, unshown: shownBy(recipe, collection).unshown };
}

function setupOf(written: Omit<WrittenRecipe, 'unshown'>, collection: Collection): Setup {
  const { setup, unshown } = shownBy(written.recipe, collection);
  return { ...setup, written: { ...written, unshown } };
}

function shownBy(recipe: Recipe, collection: Collection): ReturnType<typeof setupFromRecipe> {
  return setupFromRecipe({ ...recipe }, collection, true);
}
