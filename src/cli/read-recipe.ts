import { readFile } from 'node:fs/promises';
import { LabError, sentenceOf } from '../core/errors';
import { parseRecipe } from '../recipe/parse-recipe';
import type { Recipe } from '../recipe/recipe';

/** A recipe file as text and as what it says. @throws LabError `source/read-failed`, `recipe/…` */
export async function readRecipe(path: string): Promise<{ text: string; recipe: Recipe }> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new LabError(
      'source/read-failed',
      `The recipe ${path} cannot be read (${sentenceOf(cause)}). Check the path.`,
      { details: { file: path }, cause },
    );
  }
  return { text, recipe: parseRecipe(text, path) };
}
