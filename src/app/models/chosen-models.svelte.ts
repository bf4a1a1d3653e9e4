import type { ModelPlace, PickedFolder, PlacedModel } from '../../rpc/lab';
import type { HubListing } from '../../sources/hub/listing';
import { isAdapter } from '../../sources/model-groups';
import { hubAddressText } from './hub-address';

/** Most specialists beside one base. */
export const mostSpecialists = 12;

/** A model a person wants to merge; nothing of it was read yet but what is stated here. */
export interface ChosenModel {
  /** Unique among the chosen: its name in recipes and sliders. */
  readonly id: string;
  readonly place: ModelPlace;
  /** Of its weights; absent until it is known. */
  readonly sizeBytes?: number;
  readonly licence?: string;
  readonly isGated?: boolean;
  /** A LoRA adapter: it becomes a specialist on top of the base and cannot be the base. */
  readonly isAdapter?: boolean;
}

/** A base and its specialists on their way into the lab. */
export class ChosenModels {
  all = $state.raw<readonly ChosenModel[]>([]);
  baseId = $state('');

  get base(): ChosenModel | undefined {
    return this.all.find(({ id }) => id === this.baseId);
  }

  get specialists(): readonly ChosenModel[] {
    return this.all.filter(({ id }) => id !== this.baseId);
  }

  get isFull(): boolean {
    return this.all.length > mostSpecialists;
  }

  /** Whether there is something to merge. */
  get isUsable(): boolean {
    return this.base !== undefined && this.specialists.length > 0;
  }

  /** Bytes of all weights; undefined while the size of one is not known. */
  get sizeBytes(): number | undefined {
    const sum = this.all.reduce((total, model) => total + (model.sizeBytes ?? Number.NaN), 0);
    return Number.isNaN(sum) ? undefined : sum;
  }

  get placed(): readonly PlacedModel[] {
    return this.all.map(({ id, place }) => ({ id, place }));
  }

  has(place: ModelPlace): boolean {
    return this.all.some((model) => isSamePlace(model.place, place));
  }

  /**
   * Adds a model unless it is there already; the first one is the base until another is named.
   * @returns false when there are as many as a merge takes
   */
  add(model: ChosenModel, role?: 'base' | 'specialist'): boolean {
    const known = this.all.find(({ place }) => isSamePlace(place, model.place));
    if (known === undefined && this.isFull) return false;
    const added = known ?? { ...model, id: this.#freeId(model.id, model.place.kind) };
    if (known === undefined) this.all = [...this.all, added];
    if (added.isAdapter === true) return true;
    if (role === 'base') this.baseId = added.id;
    else if (role === 'specialist' && this.baseId === added.id) this.baseId = '';
    else if (role === undefined && this.base === undefined) this.baseId = added.id;
    return true;
  }

  /** Takes `models` in place of all before. */
  replace(models: readonly ChosenModel[], baseId: string): void {
    this.all = models;
    this.baseId = baseId;
  }

  remove(id: string): void {
    this.all = this.all.filter((model) => model.id !== id);
    if (this.baseId === id) this.baseId = '';
  }

  /** Adds what was found out about a model since it was chosen. */
  describe(id: string, facts: Omit<ChosenModel, 'id' | 'place'>): void {
    this.all = this.all.map((model) => (model.id === id ? { ...model, ...facts } : model));
  }

  /** In recipes some signs mean an adapter, a revision or a mapping; names of the Hub mean it so. */
  #freeId(wanted: string, kind: ModelPlace['kind']): string {
    const plain = kind === 'hub' ? wanted : wanted.replaceAll(/[+@{}\s]+/gu, '-');
    for (let count = 1; ; count++) {
      const id = count === 1 ? plain : `${plain}-${count}`;
      if (!this.all.some((model) => model.id === id)) return id;
    }
  }
}

/** The model that looks most like a base: one called so, else the first; never an adapter. */
export function likelyBase(models: readonly ChosenModel[]): ChosenModel | undefined {
  const whole = models.filter(({ isAdapter }) => isAdapter !== true);
  return whole.find(({ id }) => /(^|[-_.])base([-_.]|$)/iu.test(id)) ?? whole[0];
}

/** What a hub tells of a model that is about to be chosen. */
export function factsOf(listing: HubListing): Omit<ChosenModel, 'id' | 'place'> {
  const { neededBytes, neededPaths, licence, gated } = listing;
  return {
    sizeBytes: neededBytes,
    isGated: gated,
    ...(licence === undefined ? {} : { licence }),
    ...(isAdapter(neededPaths) ? { isAdapter: true } : {}),
  };
}

/** The name of a model of the Hub in recipes, as mergekit reads it. */
export function hubModel(
  repo: string,
  revision: string,
  facts: Omit<ChosenModel, 'id' | 'place'> = {},
): ChosenModel {
  const address = { repo, revision };
  return { id: hubAddressText(address), place: { kind: 'hub', ...address }, ...facts };
}

/** Where a model is from, in a word or two. */
export function placeText(place: ModelPlace): string {
  switch (place.kind) {
    case 'zoo':
      return 'bundled';
    case 'hub':
      return 'Hub';
    case 'folder':
      return 'this visit only';
    case 'handle':
      return 'this computer';
    case 'stored':
      return 'kept here';
  }
}

/** Whether two places are one; a handle is the same only as long as the page is open. */
export function isSamePlace(one: ModelPlace, other: ModelPlace): boolean {
  if (one.kind === 'zoo' && other.kind === 'zoo') return one.id === other.id;
  if (one.kind === 'hub' && other.kind === 'hub') {
    return one.repo === other.repo && one.revision === other.revision;
  }
  if (one.kind === 'stored' && other.kind === 'stored') return one.modelId === other.modelId;
  if (one.kind === 'folder' && other.kind === 'folder') return isSameFolder(one, other);
  return one.kind === 'handle' && other.kind === 'handle' && one.handle === other.handle;
}

/** Whether two picks are one folder, as far as a page can tell; the files of an earlier visit are gone. */
function isSameFolder(one: PickedFolder, other: PickedFolder): boolean {
  if (one.name !== other.name) return false;
  const [facts, others] = [one, other].map(({ files }) =>
    files.map(({ name, size, lastModified }) => `${name} ${size} ${lastModified}`).sort(),
  );
  if (facts?.length === 0 || others?.length === 0) return true;
  return facts?.join() === others?.join();
}
