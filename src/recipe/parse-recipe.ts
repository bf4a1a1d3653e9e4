import { LabError } from '../core/errors';
import { isAbsent } from './located';
import { locate } from './locate';
import { problemError, type RecipeProblem } from './problem';
import { readRecipe } from './read-recipe';
import { Reading, type RecipeOptions } from './reading';
import type { Recipe } from './recipe';
import {
  checkReferences,
  orderDocuments,
  type ReadDocument,
  type RecipeDocument,
} from './recipe-documents';
import { readYaml } from './yaml-text';

/** How a text is read, and against which names. */
export interface ParseOptions extends RecipeOptions {
  /** Models that can be merged; without them, references are not checked. */
  readonly models?: readonly string[];
}

/**
 * Reads a recipe in mergekit's YAML dialect (mergekit 0.1.4), every key. Unlike mergekit, unknown
 * keys, a filter outside a list, an empty list, and layer ranges that are negative or end before they
 * start are errors: mergekit would do nothing, or fail later. Several modules are an error, too.
 *
 * @param label names the text in messages, usually the file's name
 * @throws LabError `recipe/syntax`, `recipe/unknown-key`, `recipe/bad-value`, `recipe/unknown-method`,
 * `recipe/missing-model`, each with line and column: the first problem of the text
 */
export function parseRecipe(text: string, label = 'recipe', options: ParseOptions = {}): Recipe {
  const [first, second] = parseRecipes(text, label, options);
  if (first !== undefined && second === undefined) return first.recipe;
  throw new LabError(
    'recipe/syntax',
    `${label} holds several recipes, separated by "---"; only one can be used here. Keep one of them.`,
    { details: { file: label } },
  );
}

/**
 * Reads the recipes of a text, one or several documents separated by `---`. They come in an order in
 * which each uses only earlier ones; the last is the final one.
 * @throws LabError as `parseRecipe`; also for a name that stands twice, several unnamed documents,
 * and documents that need each other
 */
export function parseRecipes(
  text: string,
  label = 'recipe',
  options: ParseOptions = {},
): readonly RecipeDocument[] {
  const { documents, problems } = readRecipes(text, options);
  const error = problems.find(({ severity }) => severity === 'error');
  if (error !== undefined) throw problemError(error, label);
  return documents;
}

/** Everything that is wrong in a text, from its top down. Never throws. */
export function lintRecipe(text: string, options: ParseOptions = {}): readonly RecipeProblem[] {
  return readRecipes(text, options).problems;
}

function readRecipes(
  text: string,
  options: ParseOptions,
): { documents: readonly RecipeDocument[]; problems: readonly RecipeProblem[] } {
  const { documents: yamlDocuments, problems } = readYaml(text);
  const roots = yamlDocuments.flatMap((document) => locate(document, problems) ?? []);
  const hasContent = roots.some((root) => !isAbsent(root));
  const documents: ReadDocument[] = [];
  for (const [index, root] of roots.entries()) {
    // What follows a last "---" is no recipe that somebody forgot.
    if (hasContent && isAbsent(root)) continue;
    const reading = new Reading(problems, options);
    const recipe = readRecipe(root, reading);
    documents.push({ index, root, recipe, references: reading.references });
  }
  checkReferences(documents, options.models, problems);
  return { documents: orderDocuments(documents, problems), problems: problems.all() };
}
