import { methods } from '../methods/registry';
import type { RecipeVocabulary } from '../recipe/vocabulary';
import { vocabularyOfMethods } from './vocabulary-of-methods';

/** Every method that there is, and its parameters. */
export const recipeVocabulary: RecipeVocabulary = vocabularyOfMethods(methods);
