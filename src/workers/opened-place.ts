import { sha256Hex, type CreateHash } from '../formats/hashes';
import type { ModelFiles } from '../sources/model-files';
import type { Caching } from '../store/caching';
import type { LabStore } from '../store/lab-store';
import type { ModelPlace } from './run-types';

/** With whom and as whom to talk to a model hub. */
export interface HubAccess {
  readonly endpoint?: string | undefined;
  /** In memory only: never stored, logged or put into an error. */
  readonly token?: string | undefined;
}

/** What places are opened with. */
export interface PlaceSetting {
  readonly store: LabStore;
  /** Folder of the zoo's manifest, with a final slash. */
  readonly zooUrl: string;
  readonly hub: HubAccess;
  /** What becomes of bytes from a hub; `keep` unless told. What is stored already is used either way. */
  readonly caching?: Exclude<Caching, 'auto'> | undefined;
  /** For bytes on their way from a hub. */
  readonly memoryBytes?: number | undefined;
  /** How many models are read at the same time. */
  readonly modelCount?: number | undefined;
  /** A SHA-256 that does not hold up this thread, where there is one. */
  readonly createHash?: CreateHash | undefined;
}

/** The files of a placed model and what tells them from others. */
export interface OpenedPlace {
  readonly title: string;
  readonly files: ModelFiles;
  /** Differs when the content may differ: made of hashes where they are known, else of sizes and times. */
  readonly identity: string;
  /** SHA-256 of the weights, where it is known without reading them. */
  readonly contentHash: string | undefined;
  /** The same place for good: a branch of a hub as the commit that it was. */
  readonly place: ModelPlace;
  /** Keys in the store that must not be evicted while the model is read. */
  readonly keys: readonly string[];
}

/** Names facts about files: equal for equal facts. */
export async function identityOf(facts: unknown): Promise<string> {
  return sha256Hex(new TextEncoder().encode(JSON.stringify(facts)));
}
