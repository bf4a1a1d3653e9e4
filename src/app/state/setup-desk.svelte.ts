import type { Recipe } from '../../recipe/recipe';
import type { Collection, Recipes } from '../../rpc/lab';
import { History } from './history';
import { firstMethodId, knownMethod, usesCoefficients } from './methods';
import { participantsOf, withParticipant } from './participants';
import { RecipeDesk } from './recipe-desk';
import { startSetup, withCoefficient, type Setup } from './setup';
import { recipeOf } from './setup-recipe';
import { sliderIds } from './slider-ids';

/** What a person has set, with undo, and the recipe that it makes. Starts nothing by itself. */
export class SetupDesk {
  setup = $state.raw<Setup>(startSetup(undefined, firstMethodId));
  canUndo = $state(false);
  canRedo = $state(false);
  readonly recipes = new RecipeDesk();
  readonly #collection: () => Collection | undefined;
  readonly #history = new History<Setup>(this.setup);

  constructor(collection: () => Collection | undefined) {
    this.#collection = collection;
  }

  get recipe(): Recipe | undefined {
    const collection = this.#collection();
    return collection && (this.setup.written?.recipe ?? recipeOf(this.setup, collection));
  }

  /** The recipe in force and the stages in front of it. */
  get currentRecipes(): Recipes | undefined {
    const { recipe } = this;
    return recipe && [...(this.setup.written?.stages ?? []), recipe];
  }

  /** Begins anew: what was before cannot be undone. */
  restart(setup: Setup): void {
    this.#history.restart(setup);
    this.#show(setup);
  }

  /** Takes a setup as it is, such as one from a link. */
  put(setup: Setup): void {
    this.#history.record(setup);
    this.#show(setup);
  }

  /** One step of a person; steps of the same key in quick succession undo together. */
  change(wanted: Setup, key: string): void {
    const setup = this.recipes.followed(this.setup, wanted, this.#collection());
    this.#history.record(setup, key);
    this.#show(setup);
  }

  /** The setup with a coefficient: who moves the slider of a specialist that is left out wants it in. */
  withCoefficient(id: string, value: number): Setup {
    const method = knownMethod(this.setup.method);
    const ids = sliderIds(this.#collection(), this.setup);
    const setup = withCoefficient(this.setup, id, value);
    const isMissing = usesCoefficients(method) && !participantsOf(setup, method, ids).includes(id);
    return isMissing ? withParticipant(setup, method, ids, id, true) : setup;
  }

  /** Says whether there was something to undo. */
  undo(): boolean {
    if (!this.#history.canUndo) return false;
    this.#show(this.#history.undo());
    return true;
  }

  redo(): boolean {
    if (!this.#history.canRedo) return false;
    this.#show(this.#history.redo());
    return true;
  }

  #show(setup: Setup): void {
    this.setup = setup;
    this.canUndo = this.#history.canUndo;
    this.canRedo = this.#history.canRedo;
  }
}
