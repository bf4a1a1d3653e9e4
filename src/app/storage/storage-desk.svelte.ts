import type { WholeLab } from '../state/lab-parts';
import type { StorageDetails } from '../../store/storage-details';
import type { Problems } from '../state/problems.svelte';

/** What this browser keeps for the page, model by model. */
export class StorageDesk {
  details = $state.raw<StorageDetails>();
  /** What the browser answered when asked to keep everything; undefined before it was asked. */
  isPromised = $state<boolean>();
  readonly #lab: () => WholeLab;
  readonly #problems: Problems;

  constructor(lab: () => WholeLab, problems: Problems) {
    this.#lab = lab;
    this.#problems = problems;
  }

  async read(): Promise<void> {
    await this.#try(() => Promise.resolve());
  }

  async delete(modelId: string): Promise<void> {
    await this.#try(() => this.#lab().deleteStored(modelId));
  }

  async pin(modelId: string, isPinned: boolean): Promise<void> {
    await this.#try(() => this.#lab().pinStored(modelId, isPinned));
  }

  /** Asks the browser not to delete anything by itself. */
  async persist(): Promise<void> {
    await this.#try(async () => {
      this.isPromised = await this.#lab().persistStorage();
    });
  }

  /** Does something and reads again what there is then. */
  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.details = await this.#lab().storageDetails();
      this.#problems.clear('storage');
    } catch (error) {
      this.#problems.report(error, 'storage');
    }
  }
}
