import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';

/** A file's bytes, wherever they come from. */
export interface HubContent {
  readonly sizeBytes: number;
  /** Lower-case hexadecimal; computed when it is first needed unless it is known. */
  readonly sha256?: string;
  read(offsetBytes: number, lengthBytes: number): Uint8Array | Promise<Uint8Array>;
}

export function bytesContent(bytes: Uint8Array | string): HubContent {
  const held = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;
  return {
    sizeBytes: held.byteLength,
    read: (offsetBytes, lengthBytes) => held.subarray(offsetBytes, offsetBytes + lengthBytes),
  };
}

/** A file on disk, opened at every read: nothing to close. Sparse files cost no reading. */
export async function fileContent(path: string): Promise<HubContent> {
  const { size } = await stat(path);
  return {
    sizeBytes: size,
    read: async (offsetBytes, lengthBytes) => {
      const handle = await open(path, 'r');
      try {
        const bytes = Buffer.allocUnsafe(lengthBytes);
        const { bytesRead } = await handle.read(bytes, 0, lengthBytes, offsetBytes);
        return bytes.subarray(0, bytesRead);
      } finally {
        await handle.close();
      }
    },
  };
}

/** A prime beside 2^20, so that blocks of powers of two never look alike. */
const patternBytes = (1 << 20) + 7;

/**
 * Bytes made from a seed without disk or memory: any size, the same at every read, and as fast as
 * memory. Byte i is pattern[i mod 1,048,583].
 */
export function seededContent(sizeBytes: number, seed = 1): HubContent {
  const twice = new Uint8Array(2 * patternBytes);
  let state = seed >>> 0 || 1;
  for (let index = 0; index < patternBytes; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    twice[index] = state & 0xff;
  }
  twice.copyWithin(patternBytes, 0, patternBytes);
  return {
    sizeBytes,
    read: (offsetBytes, lengthBytes) => {
      const begin = offsetBytes % patternBytes;
      if (lengthBytes <= patternBytes) return twice.subarray(begin, begin + lengthBytes);
      const bytes = new Uint8Array(lengthBytes);
      for (let filled = 0; filled < lengthBytes; filled += patternBytes) {
        const part = Math.min(patternBytes, lengthBytes - filled);
        bytes.set(twice.subarray(begin, begin + part), filled);
      }
      return bytes;
    },
  };
}

const pieceBytes = 1 << 20;

/** The bytes in pieces of at most 1 MiB. */
export async function* piecesOf(
  content: HubContent,
  offsetBytes = 0,
  lengthBytes = content.sizeBytes - offsetBytes,
): AsyncGenerator<Uint8Array> {
  const end = offsetBytes + lengthBytes;
  for (let position = offsetBytes; position < end; position += pieceBytes) {
    yield await content.read(position, Math.min(pieceBytes, end - position));
  }
}

const knownSha256 = new WeakMap<HubContent, Promise<string>>();

export async function sha256Of(content: HubContent): Promise<string> {
  if (content.sha256 !== undefined) return content.sha256;
  const known = knownSha256.get(content) ?? hashOf(content, 'sha256', '');
  knownSha256.set(content, known);
  return known;
}

/** The name that git gives a file: SHA-1 over `blob SIZE\0` and the bytes. */
export async function gitOidOf(content: HubContent): Promise<string> {
  return hashOf(content, 'sha1', `blob ${content.sizeBytes}\0`);
}

async function hashOf(content: HubContent, algorithm: string, prefix: string): Promise<string> {
  const hash = createHash(algorithm).update(prefix);
  for await (const piece of piecesOf(content)) hash.update(piece);
  return hash.digest('hex');
}
