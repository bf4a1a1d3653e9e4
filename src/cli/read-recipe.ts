import { readFile } from 'node:fs/promises';
import { LabError, sentenceOf } from '../core/errors';
import { recipeVocabulary } from '../engine/recipe-vocabulary';
import { lintRecipe, parseRecipes, type ParseOptions } from '../recipe/parse-recipe';
import type { Recipe } from '../recipe/recipe';

/** A recipe file as text and as what it says. */
export interface ReadRecipe {
  readonly text: string;
  /** In an order in which each uses only earlier ones; the last is the one to carry out. */
  readonly recipes: readonly Recipe[];
  /** The last of them. */
  readonly recipe: Recipe;
  /** Sentences with line and column about what is probably not meant. */
  readonly warnings: readonly string[];
}

/**
 * Reads a recipe file of one or several documents.
 * @param isLenient unknown keys become warnings, as mergekit ignores them
 * @throws LabError `source/read-failed`, `recipe/…`
 */
export async function readRecipe(path: string, isLenient = false): Promise<ReadRecipe> {
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
  const options: ParseOptions = { lenient: isLenient, vocabulary: recipeVocabulary };
  const recipes = parseRecipes(text, path, options).map(({ recipe }) => recipe);
  const recipe = recipes.at(-1);
  if (recipe === undefined) {
    throw new LabError('recipe/syntax', `${path} holds no recipe. Write one, or check the path.`);
  }
  const warnings = lintRecipe(text, options)
    .filter(({ severity }) => severity === 'warning')
    .map(({ line, column, sentence }) => `${path}, line ${line}, column ${column}: ${sentence}`);
  return { text, recipes, recipe, warnings };
}
