import type { BackendId, Lab, LabEnvironment, StorageReport } from '../../rpc/lab';
import type { Problems } from './problems.svelte';

/** What this browser offers and keeps. */
export class MachineDesk {
  environment = $state.raw<LabEnvironment>();
  storage = $state.raw<StorageReport>();
  /** Another back end is being started; the scores on screen are of the one before. */
  isChangingBackend = $state(false);
  readonly #lab: () => Lab;
  readonly #problems: Problems;

  constructor(lab: () => Lab, problems: Problems) {
    this.#lab = lab;
    this.#problems = problems;
  }

  async readEnvironment(): Promise<void> {
    await this.#try(async () => {
      this.environment = await this.#lab().environment();
    });
  }

  /** Takes another back end; `onChanged` is called while the change is still marked as going on. */
  async chooseBackend(id: BackendId | undefined, onChanged: () => void): Promise<void> {
    this.isChangingBackend = true;
    await this.#try(async () => {
      this.environment = await this.#lab().chooseBackend(id);
      onChanged();
    });
    this.isChangingBackend = false;
  }

  /** Bounds the memory of merges from now on, in bytes. */
  async boundMemory(budgetBytes: number): Promise<void> {
    await this.#try(async () => this.#lab().boundMemory(budgetBytes));
  }

  async readStorage(): Promise<void> {
    await this.#try(async () => {
      this.storage = await this.#lab().storage();
    });
  }

  /** Says whether it could. */
  async clearStorage(): Promise<boolean> {
    return this.#try(async () => {
      this.storage = await this.#lab().clearStorage();
    });
  }

  async #try(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      this.#problems.report(error, 'browser');
      return false;
    }
  }
}
