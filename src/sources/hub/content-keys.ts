import { createSHA1 } from 'hash-wasm';
import { LabError } from '../../core/errors';
import { sha256Hex } from '../../formats/hashes';
import { shownPlace, type HubPlace } from './problems';

/** The SHA-256 that a key of a Hub file promises, in lower-case hexadecimal; undefined for git's keys. */
export function expectedSha256(key: string): string | undefined {
  return /^sha256:([0-9a-f]{64})$/.exec(key)?.[1];
}

/**
 * Checks a whole file against its key.
 * @throws LabError `hub/wrong-hash`
 */
export async function checkWhole(place: HubPlace, key: string, bytes: Uint8Array): Promise<void> {
  const sha256 = expectedSha256(key);
  const actual =
    sha256 === undefined ? `git:${await gitOid(bytes)}` : `sha256:${await sha256Hex(bytes)}`;
  if (actual === key) return;
  throw new LabError(
    'hub/wrong-hash',
    `${shownPlace(place)} did not arrive as the Hub lists it: its hash is another. Try again; if it stays so, something between you and the Hub changes files.`,
    { details: { repo: place.repo, path: place.path ?? '', expected: key, actual } },
  );
}

/** How git names a file: SHA-1 over `blob SIZE\0` and its bytes. */
async function gitOid(bytes: Uint8Array): Promise<string> {
  const hash = await createSHA1();
  hash.update(`blob ${bytes.byteLength}\0`);
  hash.update(bytes);
  return hash.digest('hex');
}
