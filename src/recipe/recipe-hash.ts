import { canonicalRecipe } from './canonical-recipe';
import type { Recipe } from './recipe';
import { recipeKeys } from './write-recipe';

/**
 * SHA-256, in hex, of the JSON of the recipe's canonical form under mergekit's key names. Recipes
 * that mean the same have equal hashes wherever and however they were written.
 */
export async function recipeHash(recipe: Recipe): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(recipeKeys(canonicalRecipe(recipe))));
  const digest = await crypto.subtle.digest('SHA-256', bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
