import type { Recipe } from '../../recipe/recipe';
import type { RecipeProblem } from '../../recipe/problem';
import type { Collection } from '../../rpc/lab';
import type { LabSession } from './lab-session.svelte';
import type { RecipeTools } from './recipe-desk';

/** How long typing rests before a recipe that has no mistakes is put in force. */
const applyAfterMs = 400;

/** The text in the recipe editor: follows the sliders, and moves them when it is valid. */
export class RecipeDraft {
  text = $state('');
  problems = $state.raw<readonly RecipeProblem[]>([]);
  readonly #session: LabSession;
  readonly #tools: RecipeTools;
  readonly #collection: Collection;
  /** What was in force last; a draft with mistakes stands until something else is. */
  #followed = '';
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(session: LabSession, tools: RecipeTools, collection: Collection) {
    this.#session = session;
    this.#tools = tools;
    this.#collection = collection;
  }

  /** Whether the text has mistakes that keep it from being in force. */
  get isBroken(): boolean {
    return this.problems.some(({ severity }) => severity === 'error');
  }

  /** The recipe in force changed: shown, unless the person is in the middle of writing another. */
  follow(recipe: Recipe | undefined, written: string | undefined): void {
    if (recipe === undefined || this.#timer !== undefined) return;
    const text = written ?? this.#tools.writeRecipe(recipe);
    if (text === this.#followed) return;
    this.#followed = text;
    if (text === this.text) return;
    this.text = text;
    this.problems = this.#tools.problemsIn(text, this.#collection);
  }

  /** The person wrote something. */
  write(text: string): void {
    if (text === this.text) return;
    this.text = text;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#apply();
    }, applyAfterMs);
  }

  /** Drops what was written: the recipe is what the sliders say again. */
  forget(): void {
    this.close();
    const { setup } = this.#session;
    if (setup.written !== undefined) this.#session.change({ ...setup, written: undefined });
    this.problems = [];
    this.#followed = '';
    this.follow(this.#session.recipe, undefined);
  }

  /** Nothing is put in force any more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #apply(): void {
    this.#timer = undefined;
    this.problems = this.#tools.problemsIn(this.text, this.#collection);
    if (this.isBroken) return;
    const read = this.#tools.setupFromText(this.text, this.#collection);
    const { setup } = this.#session;
    this.#session.change(
      {
        ...read,
        parameters: { ...setup.parameters, [read.method]: read.parameters[read.method] ?? {} },
      },
      'recipe',
    );
  }
}
