import type { Recipe } from './recipe';
import { recipeKeys } from './write-recipe';

/**
 * SHA-256, in hex, of the recipe's canonical JSON: mergekit's key names, parameters in
 * alphabetical order, no comments. Equal recipes have equal hashes wherever they were written.
 */
export async function recipeHash(recipe: Recipe): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(recipeKeys(recipe)));
  const digest = await crypto.subtle.digest('SHA-256', bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
