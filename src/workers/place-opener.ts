import { LabError } from '../core/errors';
import { quoted } from '../formats/text';
import { foldersFromFiles, foldersFromHandle } from '../sources/browser-folder';
import { CachedZoo, storedModel } from '../sources/cached-files';
import type { ModelFiles } from '../sources/model-files';
import { readInWindows } from '../sources/windowed-files';
import { Zoo } from '../sources/zoo';
import { HubPlaces } from './hub-places';
import { identityOf, type OpenedPlace, type PlaceSetting } from './opened-place';
import type { ModelPlace } from './run-types';

/** Opens models wherever they lie; no weight is read. */
export class PlaceOpener {
  readonly #setting: PlaceSetting;
  readonly #hub: HubPlaces;
  #zoo: Promise<CachedZoo> | undefined;

  /** @throws LabError `hub/bad-name` for an endpoint that must not get a token */
  constructor(setting: PlaceSetting) {
    this.#setting = setting;
    this.#hub = new HubPlaces(setting);
  }

  /** @throws LabError `run/unavailable` for a place that cannot be reached any more; as the sources */
  async open(place: ModelPlace, signal?: AbortSignal): Promise<OpenedPlace> {
    switch (place.kind) {
      case 'zoo':
        return this.#openZoo(place, signal);
      case 'stored':
        return this.#openStored(place);
      case 'folder':
        if (place.files.length === 0) throw onlyThatVisit(place.name);
        return this.#local(place, place.name, foldersFromFiles(place.files, place.name));
      case 'handle':
        return this.#local(place, place.handle.name, await foldersOf(place.handle, signal));
      case 'hub':
        return this.#hub.open(place, signal);
    }
  }

  /** From now on what is read from a hub is not stored; what is stored already is still used. */
  storeNoMore(): void {
    this.#hub.storeNoMore();
  }

  /** Says that the run was at work before, in another visit, which left this `proof` of what it read. */
  async goOn(proof: unknown): Promise<void> {
    await this.#hub.goOn(proof);
  }

  /** What is known by now of the files that were read, for another visit. */
  async proof(): Promise<unknown> {
    return this.#hub.proof();
  }

  /**
   * Ends the checks of files that were read and not stored; before an output is whole.
   * @returns names of files that could not be checked
   * @throws LabError `hub/wrong-hash`; as the sources, for some parts are read for the check alone
   */
  async prove(signal?: AbortSignal): Promise<readonly string[]> {
    return this.#hub.prove(signal);
  }

  /**
   * Ends the reading: waits until what was read is stored, and known to be what its hash says.
   * @throws LabError `hub/wrong-hash`; what was made of the bytes must not be used then
   */
  async settle(): Promise<void> {
    await this.#hub.settle();
  }

  async #local(
    place: ModelPlace,
    name: string,
    found: readonly ModelFiles[],
  ): Promise<OpenedPlace> {
    const [files] = found;
    if (files === undefined || found.length > 1) {
      throw new LabError(
        'recipe/missing-model',
        files === undefined
          ? `${quoted(name)} holds no model; pick a folder with a config.json or a safetensors file.`
          : `${quoted(name)} holds ${found.length} models (${found.map(({ label }) => label).join(', ')}); pick the folder of one.`,
        { details: { model: name } },
      );
    }
    const facts = [...files.files.values()].map(({ path, sizeBytes, modifiedAtMs }) => [
      path,
      sizeBytes,
      modifiedAtMs,
    ]);
    const identity = await identityOf(facts);
    return {
      title: files.label,
      files: readInWindows(files, this.#hub.session.chunks),
      identity,
      contentHash: undefined,
      place,
      keys: [],
    };
  }

  async #openZoo(
    place: Extract<ModelPlace, { kind: 'zoo' }>,
    signal: AbortSignal | undefined,
  ): Promise<OpenedPlace> {
    const { store, zooUrl } = this.#setting;
    this.#zoo ??= Zoo.open(zooUrl, { signal }).then((zoo) => new CachedZoo(zoo, store));
    const cached = await this.#zoo;
    const { record } = cached.zoo.model(place.id);
    const weights = record.files.find(({ path }) => path === 'model.safetensors');
    const facts = record.files.map(({ path, sizeBytes, sha256 }) => [path, sizeBytes, sha256]);
    return {
      title: record.title,
      files: cached.model(place.id),
      identity: await identityOf(facts),
      contentHash: weights?.sha256,
      place,
      keys: record.files.map(({ sha256 }) => `sha256:${sha256}`),
    };
  }

  async #openStored(place: Extract<ModelPlace, { kind: 'stored' }>): Promise<OpenedPlace> {
    const { store } = this.#setting;
    const record = await store.model(place.modelId);
    const files = record && (await storedModel(store, place.modelId, this.#hub.session));
    if (record === undefined || files === undefined) {
      throw new LabError(
        'run/unavailable',
        `The stored model ${quoted(record?.label ?? place.modelId)} is not here, or not whole; make it again or choose another.`,
        { details: { model: place.modelId } },
      );
    }
    const facts = record.files.map(({ path, sizeBytes, key }) => [path, sizeBytes, key]);
    return {
      title: record.label,
      files,
      identity: await identityOf([...facts, record.updatedAtMs]),
      contentHash: undefined,
      place,
      keys: record.files.map(({ key }) => key),
    };
  }
}

async function foldersOf(handle: FileSystemHandle, signal?: AbortSignal): Promise<ModelFiles[]> {
  if (handle instanceof FileSystemDirectoryHandle) return foldersFromHandle(handle, signal);
  if (!(handle instanceof FileSystemFileHandle)) return [];
  try {
    return foldersFromFiles([await handle.getFile()], handle.name);
  } catch (cause) {
    throw new LabError(
      'source/read-failed',
      `The file ${quoted(handle.name)} cannot be read; allow it again, or pick it anew.`,
      { details: { file: handle.name }, cause },
    );
  }
}

function onlyThatVisit(name: string): LabError {
  return new LabError(
    'run/unavailable',
    `The folder ${quoted(name)} was picked for one visit only, and this browser cannot open it again by itself; pick it again and start a new run.`,
    { details: { folder: name } },
  );
}
