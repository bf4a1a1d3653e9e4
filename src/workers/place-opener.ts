import { LabError } from '../core/errors';
import { sha256Hex } from '../formats/hashes';
import { quoted } from '../formats/text';
import { foldersFromFiles, foldersFromHandle } from '../sources/browser-folder';
import { CachedZoo, storedModel } from '../sources/cached-files';
import type { ModelFiles } from '../sources/model-files';
import { Zoo } from '../sources/zoo';
import type { LabStore } from '../store/lab-store';
import type { ModelPlace } from './run-types';

/** What places are opened with. */
export interface PlaceSetting {
  readonly store: LabStore;
  /** Folder of the zoo's manifest, with a final slash. */
  readonly zooUrl: string;
}

/** The files of a placed model and what tells them from others. */
export interface OpenedPlace {
  readonly title: string;
  readonly files: ModelFiles;
  /** Differs when the content may differ: made of hashes where they are known, else of sizes and times. */
  readonly identity: string;
  /** SHA-256 of the weights, where it is known without reading them. */
  readonly contentHash: string | undefined;
}

/** Opens models wherever they lie; no weight is read. */
export class PlaceOpener {
  readonly #setting: PlaceSetting;
  #zoo: Promise<CachedZoo> | undefined;

  constructor(setting: PlaceSetting) {
    this.#setting = setting;
  }

  /** @throws LabError `run/unavailable` for a place that cannot be reached any more; as the sources */
  async open(place: ModelPlace, signal?: AbortSignal): Promise<OpenedPlace> {
    switch (place.kind) {
      case 'zoo':
        return this.#openZoo(place.id, signal);
      case 'stored':
        return this.#openStored(place.modelId);
      case 'folder':
        if (place.files.length === 0) throw onlyThatVisit(place.name);
        return local(place.name, foldersFromFiles(place.files, place.name));
      case 'handle':
        return local(place.handle.name, await foldersOf(place.handle, signal));
      case 'hub':
        throw new LabError(
          'run/unavailable',
          `The model ${quoted(place.repo)} lies on a model hub, which cannot be read yet; download it and pick its folder.`,
        );
    }
  }

  async #openZoo(id: string, signal: AbortSignal | undefined): Promise<OpenedPlace> {
    const { store, zooUrl } = this.#setting;
    this.#zoo ??= Zoo.open(zooUrl, { signal }).then((zoo) => new CachedZoo(zoo, store));
    const cached = await this.#zoo;
    const { record } = cached.zoo.model(id);
    const weights = record.files.find(({ path }) => path === 'model.safetensors');
    const facts = record.files.map(({ path, sizeBytes, sha256 }) => [path, sizeBytes, sha256]);
    return {
      title: record.title,
      files: cached.model(id),
      identity: await identityOf(facts),
      contentHash: weights?.sha256,
    };
  }

  async #openStored(modelId: string): Promise<OpenedPlace> {
    const { store } = this.#setting;
    const record = await store.model(modelId);
    const files = await storedModel(store, modelId);
    if (record === undefined || files === undefined) {
      throw new LabError(
        'run/unavailable',
        `The stored model ${quoted(record?.label ?? modelId)} is not here, or not whole; make it again or choose another.`,
        { details: { model: modelId } },
      );
    }
    const facts = record.files.map(({ path, sizeBytes, key }) => [path, sizeBytes, key]);
    const identity = await identityOf([...facts, record.updatedAtMs]);
    return { title: record.label, files, identity, contentHash: undefined };
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

async function local(name: string, found: readonly ModelFiles[]): Promise<OpenedPlace> {
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
  return { title: files.label, files, identity: await identityOf(facts), contentHash: undefined };
}

function onlyThatVisit(name: string): LabError {
  return new LabError(
    'run/unavailable',
    `The folder ${quoted(name)} was picked for one visit only, and this browser cannot open it again by itself; pick it again and start a new run.`,
    { details: { folder: name } },
  );
}

async function identityOf(facts: unknown): Promise<string> {
  return sha256Hex(new TextEncoder().encode(JSON.stringify(facts)));
}
