import { hexOf } from '../core/hex';
import { isJsonObject, type JsonObject } from '../formats/bounded-json';
import { checksum128 } from '../formats/hashes';

/** Hexadecimal digits of a checksum. */
const sumLength = 32;
/** Stands for the checksum of a chunk that was not read. */
const noSum = '.'.repeat(sumLength);
/** Far above what a run writes: 32 characters for each chunk of its files. */
const maxTextLength = 64 << 20;
/** The library's state of a SHA-256 is 112 bytes long, in hexadecimal. */
const maxStateLength = 1024;

/** What the check of a file has found out, so that it can go on another time. */
export interface CheckState {
  /** For messages. */
  readonly name: string;
  readonly chunkBytes: number;
  readonly chunkCount: number;
  /** Checksums of the chunks that were read. */
  readonly sums: ReadonlyMap<number, string>;
  /** Of bytes at the file's beginning that were read without their chunk. */
  readonly heads: readonly HeadSum[];
  /** The SHA-256 of the first chunks; of all of them it was compared, and the state is empty. */
  readonly hashed: { readonly chunkCount: number; readonly state: Uint8Array } | undefined;
}

export interface HeadSum {
  readonly beginBytes: number;
  readonly endBytes: number;
  readonly sum: string;
}

/** By the files' keys; undefined for a file of which it was lost what had been found out. */
export type CheckStates = ReadonlyMap<string, CheckState | undefined>;

/** States as they are kept: a text, and a checksum that tells when it was damaged. */
export interface SealedStates {
  readonly text: string;
  readonly checksum: string;
}

export async function sealStates(states: CheckStates): Promise<SealedStates> {
  const text = JSON.stringify([...states].map(([key, state]) => [key, state && written(state)]));
  return { text, checksum: await checksum128(new TextEncoder().encode(text)) };
}

/** What `sealStates` made; undefined for anything else, and for what was damaged. */
export async function unsealStates(sealed: unknown): Promise<CheckStates | undefined> {
  if (!isJsonObject(sealed)) return undefined;
  const { text, checksum } = sealed;
  if (typeof text !== 'string' || text.length > maxTextLength) return undefined;
  if ((await checksum128(new TextEncoder().encode(text))) !== checksum) return undefined;
  try {
    const entries: unknown = JSON.parse(text);
    if (!Array.isArray(entries)) return undefined;
    return new Map(entries.map(entryOf));
  } catch {
    return undefined;
  }
}

function written({ name, chunkBytes, chunkCount, sums, heads, hashed }: CheckState): unknown {
  const indices = Array.from({ length: chunkCount }, (_, index) => index);
  return {
    name,
    chunkBytes,
    sums: indices.map((index) => sums.get(index) ?? noSum).join(''),
    heads: heads.map(({ beginBytes, endBytes, sum }) => [beginBytes, endBytes, sum]),
    hashed: hashed && [hashed.chunkCount, hexOf(hashed.state)],
  };
}

/** @throws TypeError when it is no entry */
function entryOf(entry: unknown): [string, CheckState | undefined] {
  if (!Array.isArray(entry)) throw new TypeError('an entry is a pair');
  const [key, state] = entry as unknown[];
  if (typeof key !== 'string') throw new TypeError('a key is a text');
  return [key, isJsonObject(state) ? readState(state) : undefined];
}

/** @returns undefined for what is no state */
function readState({ name, chunkBytes, sums, heads, hashed }: JsonObject): CheckState | undefined {
  if (typeof name !== 'string' || !isCount(chunkBytes) || typeof sums !== 'string') {
    return undefined;
  }
  const chunkCount = sums.length / sumLength;
  if (!isCount(chunkCount) || !/^[0-9a-f.]*$/.test(sums) || !Array.isArray(heads)) return undefined;
  const found = new Map<number, string>();
  for (let index = 0; index < chunkCount; index++) {
    const sum = sums.slice(index * sumLength, (index + 1) * sumLength);
    if (sum !== noSum) found.set(index, sum);
  }
  const state = { name, chunkBytes, chunkCount, sums: found, heads: heads.map(headOf) };
  if (hashed === undefined) return { ...state, hashed };
  const known = readHashed(hashed, chunkCount);
  if (known === undefined) return undefined;
  for (let index = 0; index < known.chunkCount; index++) {
    if (!found.has(index)) return undefined;
  }
  return { ...state, hashed: known };
}

function readHashed(hashed: unknown, maxChunkCount: number): CheckState['hashed'] {
  if (!Array.isArray(hashed)) return undefined;
  const [chunkCount, hex] = hashed as unknown[];
  if (!isCount(chunkCount) || chunkCount > maxChunkCount) return undefined;
  if (typeof hex !== 'string' || hex.length > maxStateLength) return undefined;
  if (!/^([0-9a-f]{2})*$/.test(hex) || (hex === '') !== (chunkCount === maxChunkCount)) {
    return undefined;
  }
  return { chunkCount, state: bytesOf(hex) };
}

/** @throws TypeError when it is no head */
function headOf(head: unknown): HeadSum {
  const [beginBytes, endBytes, sum] = Array.isArray(head) ? (head as unknown[]) : [];
  if (!isCount(beginBytes) || !isCount(endBytes) || typeof sum !== 'string') {
    throw new TypeError('a head has an offset, an end and a checksum');
  }
  return { beginBytes, endBytes, sum };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
}
