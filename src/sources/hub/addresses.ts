import { LabError } from '../../core/errors';
import { quoted } from '../../formats/text';

export const publicHub = 'https://huggingface.co';

const maxNameCharacters = 96;
const maxRevisionCharacters = 200;
const maxPathCharacters = 1000;
const maxPathParts = 16;

/** A repository and a revision of it, as recipes and people write it. */
export interface HubName {
  readonly repo: string;
  readonly revision: string;
}

/**
 * The Hub's address without a slash at its end. Tokens go there, so it must be `https:`, or `http:`
 * on this machine.
 * @throws LabError `hub/bad-name`
 */
export function checkEndpoint(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  const isPlain =
    url?.username === '' && url.password === '' && url.search === '' && url.hash === '';
  if (url !== undefined && isPlain && isTrusted(url)) return url.href.replace(/\/+$/, '');
  throw badName(
    'The address of the Hub',
    endpoint,
    'must begin with https:// (http:// only on this machine) and hold no name, password or query',
  );
}

/** Whether bytes from `url` come over TLS or from this machine. */
export function isTrusted(url: URL): boolean {
  if (url.protocol === 'https:') return true;
  const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  return url.protocol === 'http:' && isHere;
}

/** Whether `text` has the form `org/name`, which is also that of a folder in a folder. */
export function isRepoId(text: string): boolean {
  const parts = text.split('/');
  return parts.length === 2 && parts.every(isRepoPart);
}

/** @throws LabError `hub/bad-name` */
export function checkRepoId(repo: string): string {
  if (isRepoId(repo)) return repo;
  throw badName('The model', repo, 'is not written as organisation/name');
}

/**
 * A branch, a tag or a commit.
 * @throws LabError `hub/bad-name`
 */
export function checkRevision(revision: string): string {
  const isPlain =
    /^[A-Za-z0-9][A-Za-z0-9._/-]*$/.test(revision) &&
    revision.length <= maxRevisionCharacters &&
    !revision.includes('..') &&
    !revision.includes('//') &&
    !revision.endsWith('/');
  if (isPlain) return revision;
  throw badName('The revision', revision, 'is not the name of a branch, a tag or a commit');
}

/** Whether a path from a listing stays below its model's folder wherever it is written. */
export function isPlainPath(path: string): boolean {
  const parts = path.split('/');
  return (
    path.length <= maxPathCharacters &&
    parts.length <= maxPathParts &&
    // eslint-disable-next-line no-control-regex -- control characters are what must not pass
    !/[\\:\u0000-\u001f\u007f]/.test(path) &&
    parts.every((part) => part !== '' && part !== '.' && part !== '..')
  );
}

/** `repo` and `revision` below the part of the interface that describes models. */
export function describeUrl(endpoint: string, repo: string, revision: string): string {
  return `${endpoint}/api/models/${repo}/revision/${encodeURIComponent(revision)}?blobs=true`;
}

/** Where a page of the Hub shows a model, to a person. */
export function modelPage(endpoint: string, repo: string): string {
  return `${endpoint}/${repo}`;
}

/** A file as it is at one commit. */
export function fileUrl(endpoint: string, repo: string, commit: string, path: string): string {
  const encoded = path.split('/').map(encodeURIComponent).join('/');
  return `${endpoint}/${repo}/resolve/${encodeURIComponent(commit)}/${encoded}`;
}

function isRepoPart(part: string): boolean {
  return (
    /^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(part) &&
    part.length <= maxNameCharacters &&
    !part.includes('..') &&
    !part.endsWith('.git')
  );
}

function badName(what: string, text: string, problem: string): LabError {
  return new LabError('hub/bad-name', `${what} ${quoted(text)} ${problem}; correct it.`, {
    details: { name: text.slice(0, 200) },
  });
}
