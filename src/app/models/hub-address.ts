import { checkRevision, isRepoId, type HubName } from '../../sources/hub/addresses';

/** The revision of a name that names none. */
export const mainRevision = 'main';

/** Parts of a model's address that a revision follows. */
const revisionFollows = ['tree', 'blob', 'resolve', 'commit'];

/**
 * Reads what people paste: `org/name`, `org/name@revision`, or the address of a model's page, of one
 * of its files or of a revision, on any hub.
 * @returns undefined for anything else, such as words to search for
 */
export function readHubAddress(text: string): HubName | undefined {
  const trimmed = text.trim();
  if (trimmed.includes('://')) return fromUrl(trimmed);
  const [repo = '', revision = mainRevision, ...rest] = trimmed
    .replace(/^hf\.co\//u, '')
    .split('@');
  return rest.length > 0 ? undefined : checked(repo, revision);
}

/** `org/name`, with the revision where it is not the main one; also its name in recipes. */
export function hubAddressText({ repo, revision }: HubName): string {
  return revision === mainRevision ? repo : `${repo}@${revision}`;
}

function fromUrl(text: string): HubName | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, pathname } = new URL(text);
  if (!/^https?:$/u.test(protocol)) return undefined;
  const [org = '', name = '', kind = '', revision] = pathname.split('/').filter(Boolean);
  const isOfRevision = revision !== undefined && revisionFollows.includes(kind);
  return checked(`${org}/${name}`, isOfRevision ? unescaped(revision) : mainRevision);
}

function checked(repo: string, revision: string): HubName | undefined {
  if (!isRepoId(repo)) return undefined;
  try {
    return { repo, revision: checkRevision(revision) };
  } catch {
    return undefined;
  }
}

function unescaped(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
