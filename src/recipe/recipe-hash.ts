import { hexOf } from '../core/hex';
import { canonicalRecipe } from './canonical-recipe';
import type { Recipe } from './recipe';
import { recipeKeys } from './write-recipe';

/**
 * The hash of a recipe and of the stages in front of it. A recipe by itself has the hash of
 * `recipeHash`; among several, the names by which later ones call a stage count, too.
 */
export async function recipesHash(recipes: readonly Recipe[]): Promise<string> {
  const [only, second] = recipes;
  if (only !== undefined && second === undefined) return recipeHash(only);
  const parts = await Promise.all(
    recipes.map(async (recipe) => [recipe.name ?? '', await recipeHash(recipe)]),
  );
  return sha256Hex(JSON.stringify(parts));
}

/**
 * SHA-256, in hex, of the JSON of the recipe's canonical form under mergekit's key names. Recipes
 * that mean the same have equal hashes wherever and however they were written.
 */
export async function recipeHash(recipe: Recipe): Promise<string> {
  return sha256Hex(JSON.stringify(recipeKeys(canonicalRecipe(recipe))));
}

async function sha256Hex(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return hexOf(new Uint8Array(digest));
}
