import { invariant } from '../../core/errors';
import { vocabularyOfMethods } from '../../engine/vocabulary-of-methods';
import { completionsAt, hoverAt, type RecipeCompletions } from '../../recipe/complete-recipe';
import { editRecipe } from '../../recipe/edit-recipe';
import { lintRecipe, parseRecipes } from '../../recipe/parse-recipe';
import type { RecipeProblem } from '../../recipe/problem';
import type { Recipe } from '../../recipe/recipe';
import type { Collection, Recipes } from '../../rpc/lab';
import { methods } from './methods';
import type { Setup } from './setup';
import { setupFromRecipe } from './setup-from-recipe';
import { otherInputs } from './slider-ids';
import type { WrittenRecipe } from './written-recipe';

// Brings the YAML reader, which the first load does without: import it when a recipe is written.
export { writeRecipe } from '../../recipe/write-recipe';
export type { RecipeCompletions, RecipeProblem };

const vocabulary = vocabularyOfMethods(methods);

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
 * A text as the page's setup: its last document is in force, and the sliders show what they can of it;
 * the others are its stages.
 * @throws LabError as `parseRecipes`
 */
export function setupFromText(text: string, collection: Collection): Setup {
  const models = modelNames(collection);
  const read = parseRecipes(text, 'The recipe', { vocabulary, models });
  const recipes = read.map(({ recipe }) => recipe);
  const recipe = recipes.at(-1);
  invariant(recipe, 'a text without mistakes has a recipe');
  const { setup, ...reading } = shownBy(recipe, recipes.slice(0, -1), collection);
  return { ...setup, written: { text, recipe, ...reading } };
}

/** A written recipe after the sliders changed what it says; comments and order stay. */
export function rewritten(
  { text, stages: before }: WrittenRecipe,
  recipe: Recipe,
  collection: Collection,
): WrittenRecipe {
  const edited = editRecipe(text, recipe);
  const { stages, inputs, unshown } = shownBy(recipe, before, collection);
  return { text: edited, recipe, stages, inputs, unshown };
}

/** What the sliders show of a recipe, and what else there is. */
function shownBy(
  recipe: Recipe,
  stages: Recipes,
  collection: Collection,
): { readonly setup: Setup } & Omit<WrittenRecipe, 'text' | 'recipe'> {
  const inputs = otherInputs(recipe, collection);
  const { setup, unshown } = setupFromRecipe({ ...recipe }, collection, inputs);
  const ofStages = stages.map(
    ({ name = '', mergeMethod }) => `the stage ${name} by ${mergeMethod}`,
  );
  return { setup, stages, inputs, unshown: [...unshown, ...ofStages] };
}
