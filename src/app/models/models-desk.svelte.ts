import { LatestOnly } from '../../core/abort';
import { LabError, isAbort, sentenceOf } from '../../core/errors';
import type { ModelPlace } from '../../rpc/lab';
import type { LabSession } from '../state/lab-session.svelte';
import { StorageDesk } from '../storage/storage-desk.svelte';
import { ChosenModels, factsOf, likelyBase, type ChosenModel } from './chosen-models.svelte';
import type { Dropped } from './dropped';
import { FitDesk } from './fit-desk.svelte';
import { modelsInDropped, modelsInFiles, pickFolder } from './local-models';

/** What went wrong last, told inside the dialog: the page's own alerts lie behind it. */
export interface PickerProblem {
  readonly code: string;
  readonly sentence: string;
}

/** Which models are chosen and whether they fit, on the way into the lab. */
export class ModelsDesk {
  readonly chosen = new ChosenModels();
  readonly fit: FitDesk;
  readonly storage: StorageDesk;
  problem = $state.raw<PickerProblem>();
  isOpening = $state(false);
  readonly #session: LabSession;
  readonly #latest = new LatestOnly();

  constructor(session: LabSession) {
    this.#session = session;
    this.fit = new FitDesk(session, this.chosen);
    this.storage = new StorageDesk(session.lab, session.problems);
  }

  /** Chooses models; says so when there is no room for all. */
  add(models: readonly ChosenModel[], role?: 'base' | 'specialist'): void {
    this.problem = undefined;
    const needsBase = role === undefined && this.chosen.base === undefined;
    const base = needsBase ? likelyBase(models) : undefined;
    for (const model of models) {
      if (this.chosen.add(model, model === base ? 'base' : role)) continue;
      this.#tell(
        new LabError(
          'engine/unsupported',
          `There is no room for ${model.id}: a merge takes one base and up to twelve specialists; remove one first.`,
        ),
      );
      break;
    }
    this.changed();
  }

  addPlace(id: string, place: ModelPlace, sizeBytes: number): void {
    this.add([{ id, place, sizeBytes }]);
  }

  remove(id: string): void {
    this.chosen.remove(id);
    this.changed();
  }

  makeBase(id: string): void {
    this.chosen.baseId = id;
    this.changed();
  }

  replace(models: readonly ChosenModel[], baseId: string): void {
    this.problem = undefined;
    this.chosen.replace(models, baseId);
    this.changed();
  }

  /** Plans anew: the models, or what may be read of them, are not what they were. */
  changed(): void {
    this.fit.schedule();
    void this.#describe(this.#latest.begin());
  }

  /** Must be called from a click. */
  async pickFolder(): Promise<void> {
    await this.#take(pickFolder());
  }

  async takeFiles(files: readonly File[]): Promise<void> {
    if (files.length === 0) return;
    await this.#take(Promise.resolve().then(() => modelsInFiles(files)));
  }

  async takeDropped(dropped: readonly Dropped[]): Promise<void> {
    await this.#take(modelsInDropped(dropped));
  }

  /** Opens the chosen models in the lab and says whether it could. */
  async open(): Promise<boolean> {
    const { chosen } = this;
    this.problem = undefined;
    this.isOpening = true;
    const isOpen = await this.#session.openModels(chosen.placed, chosen.baseId);
    this.isOpening = false;
    if (!isOpen) {
      this.problem = this.#session.problems.shown.findLast(({ topic }) => topic === 'models');
    }
    return isOpen;
  }

  stop(): void {
    this.fit.stop();
    this.#latest.cancel();
  }

  /** Asks for the sizes that are not known yet; where that fails, they stay unknown. */
  async #describe(signal: AbortSignal): Promise<void> {
    for (const { id, place, sizeBytes } of this.chosen.all) {
      if (place.kind !== 'hub' || sizeBytes !== undefined) continue;
      try {
        const { repo, revision } = place;
        const listing = await this.#session.lab().describeHub(repo, revision, signal);
        if (signal.aborted) return;
        this.chosen.describe(id, factsOf(listing));
      } catch {
        if (signal.aborted) return;
      }
    }
  }

  async #take(found: Promise<readonly ChosenModel[]>): Promise<void> {
    try {
      this.add(await found);
    } catch (error) {
      this.#tell(error);
    }
  }

  #tell(error: unknown): void {
    if (isAbort(error)) return;
    const code = error instanceof LabError ? error.code : 'page/unexpected';
    this.problem = { code, sentence: sentenceOf(error) };
  }
}
