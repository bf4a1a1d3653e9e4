import type { ModelFile, ModelFiles } from '../model-files';
import { checkRange } from '../read-range';
import { checkWhole } from './content-keys';
import type { HubSettings } from './hub-connection';
import type { HubListing } from './listing';
import { RemoteFile } from './remote-file';

/** A file read whole is checked against its hash up to this size; larger ones where they are stored. */
const maxCheckedBytes = 64 << 20;

/** A model on the Hub at one commit; every read is a request for a range of a file. */
export interface HubModel extends ModelFiles {
  readonly repo: string;
  readonly revision: string;
  readonly commit: string;
  readonly licence?: string;
  readonly gated: boolean;
  /** By path: `sha256:<hex>` for large files, `git:<oid>` for small ones. */
  readonly fileKeys: ReadonlyMap<string, string>;
  readonly listing: HubListing;
}

/** The files of a listing that a merge can need, pinned to its commit. */
export function hubModel(settings: HubSettings, listing: HubListing): HubModel {
  const { repo, revision, commit, licence, gated } = listing;
  const needed = new Set(listing.neededPaths);
  const files = new Map<string, ModelFile>();
  const fileKeys = new Map<string, string>();
  for (const { path, sizeBytes, key } of listing.files) {
    if (!needed.has(path)) continue;
    fileKeys.set(path, key);
    const place = { endpoint: settings.endpoint, repo, path };
    const remote = new RemoteFile(settings, place, commit, sizeBytes);
    files.set(path, {
      path,
      sizeBytes,
      read: async (offsetBytes, lengthBytes, signal, allocate = (size) => new Uint8Array(size)) => {
        checkRange(`${repo}/${path}`, sizeBytes, offsetBytes, lengthBytes);
        const bytes = await remote.read(offsetBytes, lengthBytes, signal, allocate);
        if (lengthBytes === sizeBytes && sizeBytes <= maxCheckedBytes) {
          await checkWhole(place, key, bytes);
        }
        return bytes;
      },
    });
  }
  return {
    label: repo,
    files,
    repo,
    revision,
    commit,
    ...(licence === undefined ? {} : { licence }),
    gated,
    fileKeys,
    listing,
  };
}
