import type { Recipe } from '../../recipe/recipe';
import type { Collection } from '../../rpc/lab';
import { fieldsOf } from './foreign-values';
import type * as recipeText from './recipe-text';
import { recipeOf } from './setup-recipe';
import type { Setup } from './setup';
import { setupFromRecipe } from './setup-from-recipe';
import { withSliderChanges } from './written-recipe';

/** What reads and writes recipes as text. */
export type RecipeTools = typeof recipeText;

/** Keeps a written recipe and the sliders in step. */
export class RecipeDesk {
  #tools: RecipeTools | undefined;

  /** The tools, which are not part of the first load. Rejects without a network; may be called again. */
  async load(): Promise<RecipeTools> {
    this.#tools ??= await import('./recipe-text');
    return this.#tools;
  }

  /** `after` with its written recipe changed as the sliders were, where there is one. */
  followed(before: Setup, after: Setup, collection: Collection | undefined): Setup {
    const { written } = after;
    // A recipe that was just written says everything itself.
    if (written === undefined || written !== before.written || collection === undefined) {
      return after;
    }
    const recipe = withSliderChanges(
      written.recipe,
      recipeOf(before, collection),
      recipeOf(after, collection),
    );
    // Whoever wrote the recipe has loaded the tools.
    return { ...after, written: this.#tools?.rewritten(written, recipe, collection) };
  }

  /**
   * The setup of a link whose recipe was written by hand: its text, or what is left of one that was
   * too long for a link.
   * @returns undefined when the sliders made the recipe
   * @throws LabError as `parseRecipe`
   */
  async fromLink(link: unknown, collection: Collection): Promise<Setup | undefined> {
    const state = fieldsOf(link);
    const recipe = fieldsOf(state?.['recipe']) ?? {};
    const text = state?.['text'];
    if (typeof text === 'string') return (await this.load()).setupFromText(text, collection);
    if (setupFromRecipe(recipe, collection).unshown.length === 0) return undefined;
    const tools = await this.load();
    return tools.setupFromText(tools.writeRecipe(recipe as unknown as Recipe), collection);
  }
}
