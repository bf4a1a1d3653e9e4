import { linkedModels } from '../models/linked-models';
import type { Collection, PlacedModel } from '../../rpc/lab';
import type { Recipe } from '../../recipe/recipe';
import { longestLinkedPrompt, longestLinkedText, type LinkState } from './link';
import type { Setup } from './setup';

/** What a link tells of a page. */
export interface LinkedPage {
  readonly collection: Collection;
  readonly places: readonly PlacedModel[];
  readonly setup: Setup;
  readonly recipe: Recipe;
  readonly prompt: string;
  readonly specialist: string;
}

/** What the address bar carries of a page. */
export function linkStateOf(page: LinkedPage): LinkState {
  const { collection, places, setup, recipe, prompt, specialist } = page;
  const hub = linkedModels(places, collection.base.id);
  const { text, stages = [] } = setup.written ?? {};
  // Without its text a recipe would lose its stages, but only its comments otherwise.
  const isLong = text !== undefined && text.length > longestLinkedText;
  return {
    recipe,
    ...(text === undefined || (isLong && stages.length === 0) ? {} : { text }),
    collection: collection.kind,
    ...(hub === undefined ? {} : { hub }),
    ...(prompt === '' || prompt.length > longestLinkedPrompt ? {} : { prompt }),
    ...(specialist === '' ? {} : { specialist }),
  };
}
