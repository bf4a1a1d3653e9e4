import { LabError } from '../../core/errors';
import type { Recipe } from '../../recipe/recipe';
import type { Collection } from '../../rpc/lab';
import type { LinkedModels } from '../models/linked-models';
import { fieldsOf } from './foreign-values';
import type { Setup } from './setup';
import { setupFromRecipe } from './setup-from-recipe';

/** What the address bar carries: the recipe and what the person looked at. Plain JSON. */
export interface LinkState {
  readonly recipe: Recipe;
  /** The recipe as a person wrote it, with comments; absent for one that the sliders made. */
  readonly text?: string;
  /** `folders` cannot be opened by a link; the page asks for them. */
  readonly collection: 'zoo' | 'folders';
  /** Models of a hub, which a link can offer to open. */
  readonly hub?: LinkedModels;
  readonly prompt?: string;
  /** The specialist whose completion is shown. */
  readonly specialist?: string;
}

/** A link read against an open collection. */
export interface LinkReading {
  readonly setup: Setup;
  readonly prompt?: string;
  readonly specialist?: string;
  /** What could not be used; those settings have their defaults, all others come from the link. */
  readonly problems: readonly LabError[];
}

/** Longest prompt a link carries, in UTF-16 units; longer ones are left out of the address. */
export const longestLinkedPrompt = 2000;

/** Longest written recipe a link carries; a longer one travels without its comments. */
export const longestLinkedText = 6000;

/**
 * Takes from a link what is valid. A value that is not (a coefficient that is no number, an unknown
 * method or model) falls back to its default by itself and is named in `problems`.
 * @throws LabError `url/bad-state` when the link has no recipe at all
 */
export function readLink(value: unknown, collection: Collection): LinkReading {
  const state = fieldsOf(value);
  const recipe = fieldsOf(state?.['recipe']);
  if (state === undefined || recipe === undefined) {
    throw new LabError(
      'url/bad-state',
      'The link in the address bar cannot be read, so the page starts with its usual settings; copy the link again from the page that made it.',
    );
  }
  const { setup, problems } = setupFromRecipe(recipe, collection);
  const { prompt, specialist } = state;
  return {
    setup,
    problems,
    ...(typeof prompt === 'string' ? { prompt } : {}),
    ...(typeof specialist === 'string' && specialist in setup.coefficients ? { specialist } : {}),
  };
}
