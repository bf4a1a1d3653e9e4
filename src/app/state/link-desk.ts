import { LabError, sentenceOf } from '../../core/errors';
import type { Collection, PlacedModel } from '../../rpc/lab';
import { areOpen, readLinkedModels, type LinkedModels } from '../models/linked-models';
import { AddressBar } from './address-bar';
import { fieldsOf } from './foreign-values';
import { readLink, type LinkState } from './link';
import type { Problems } from './problems.svelte';
import type { RecipeDesk } from './recipe-desk';
import type { Setup } from './setup';

/** What the address says about an open collection. */
export interface OpenedLink {
  readonly setup: Setup;
  readonly prompt?: string;
  readonly specialist?: string;
  /** One that could not be used whole stays in the address until the person changes something. */
  readonly isWhole: boolean;
  /** Models of a hub that the link was made with and that are not open. */
  readonly wanted?: LinkedModels;
}

/** Reads set-ups from the address and writes them there. */
export class LinkDesk {
  readonly #address = new AddressBar();
  readonly #recipes: RecipeDesk;
  readonly #problems: Problems;
  /** A link whose models are not open; tried again with every collection that is opened. */
  #waiting: unknown;

  constructor(recipes: RecipeDesk, problems: Problems) {
    this.#recipes = recipes;
    this.#problems = problems;
  }

  get isWaiting(): boolean {
    return this.#waiting !== undefined;
  }

  /**
   * Applies the address to the collection; without one in the address, the setup stays. A link with
   * models of a hub waits until they are open.
   */
  async read(
    collection: Collection,
    places: readonly PlacedModel[],
    present: Setup,
  ): Promise<OpenedLink> {
    this.#problems.clear('link');
    try {
      const link = this.#waiting ?? (await this.#address.read());
      if (link === undefined) return { setup: present, isWhole: true };
      this.#waiting = undefined;
      const wanted = readLinkedModels(fieldsOf(link)?.['hub']);
      if (wanted !== undefined && !areOpen(wanted, places)) {
        this.#waiting = link;
        return { setup: present, isWhole: false, wanted };
      }
      const { problems, ...reading } = readLink(link, collection);
      const written = await this.#recipes.fromLink(link, collection);
      if (written !== undefined) return { ...reading, setup: written, isWhole: true };
      this.#report(problems, link);
      return { ...reading, isWhole: problems.length === 0 };
    } catch (error) {
      this.#problems.report(error, 'link');
      return { setup: present, isWhole: false };
    }
  }

  /** Applies `link` to the next collection that is opened, in place of the address. */
  applyLater(link: unknown): void {
    this.#waiting = link;
  }

  /** The models of the link are not wanted after all. */
  forget(): void {
    this.#waiting = undefined;
  }

  write(state: LinkState): void {
    this.#address.write(state);
  }

  /** The link to `state`, put on the clipboard; false when the browser did not allow that. */
  async copy(state: LinkState): Promise<boolean> {
    const link = await this.#address.flush(state);
    try {
      await navigator.clipboard.writeText(link);
      return true;
    } catch {
      return false;
    }
  }

  /** Calls back when the person, not the page, changed the address; returns how to stop. */
  listen(onChange: () => void): () => void {
    return this.#address.listen(onChange);
  }

  /** One alert for a link, however much of it is wrong. */
  #report(problems: readonly LabError[], link: unknown): void {
    const [first] = problems;
    if (first === undefined) return;
    if (first.code === 'recipe/missing-model') this.#waiting = link;
    const more = problems.length - 1;
    const rest = more === 0 ? '' : ` (${more} more of its settings could not be used.)`;
    this.#problems.report(new LabError(first.code, `${sentenceOf(first)}${rest}`), 'link');
  }
}
