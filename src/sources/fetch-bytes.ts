import { LabError } from '../core/errors';
import { shownBytes } from '../formats/text';

/** The part of `fetch` that the sources use, so that tests and proxies need no global patch. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/**
 * Fetches a whole file whose size is known beforehand.
 *
 * @param onBytes called with the size of each piece that arrives
 * @throws LabError `source/network` when there is no answer, an error status, or another size
 */
export async function fetchExactly(
  url: string,
  sizeBytes: number,
  options: {
    readonly fetch?: Fetch | undefined;
    readonly signal?: AbortSignal | undefined;
    readonly onBytes?: ((count: number) => void) | undefined;
  } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const response = await request(url, options.fetch, options.signal);
  const bytes = new Uint8Array(sizeBytes);
  let filledBytes = 0;
  const keep = (piece: Uint8Array): void => {
    if (filledBytes + piece.byteLength > sizeBytes) {
      throw wrongSize(url, sizeBytes, filledBytes + piece.byteLength);
    }
    bytes.set(piece, filledBytes);
    filledBytes += piece.byteLength;
    options.onBytes?.(piece.byteLength);
  };
  await readPieces(response, url, keep, options.signal);
  if (filledBytes !== sizeBytes) throw wrongSize(url, sizeBytes, filledBytes);
  return bytes;
}

/**
 * Fetches a small file of unknown size.
 * @throws LabError `source/network`; `format/too-large` above `maxSizeBytes`
 */
export async function fetchUpTo(
  url: string,
  maxSizeBytes: number,
  options: { readonly fetch?: Fetch | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const response = await request(url, options.fetch, options.signal);
  const pieces: Uint8Array[] = [];
  let totalBytes = 0;
  const keep = (piece: Uint8Array): void => {
    totalBytes += piece.byteLength;
    if (totalBytes > maxSizeBytes) {
      throw new LabError(
        'format/too-large',
        `${url} is larger than ${shownBytes(maxSizeBytes)}; check that the address is right.`,
        { details: { url, maxSizeBytes } },
      );
    }
    pieces.push(piece);
  };
  await readPieces(response, url, keep, options.signal);
  const bytes = new Uint8Array(totalBytes);
  let offset = 0;
  for (const piece of pieces) {
    bytes.set(piece, offset);
    offset += piece.byteLength;
  }
  return bytes;
}

async function request(
  url: string,
  fetchIt: Fetch = fetch,
  signal: AbortSignal | undefined,
): Promise<Response> {
  let response: Response;
  try {
    response = await fetchIt(url, signal === undefined ? {} : { signal });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new LabError(
      'source/network',
      `${url} could not be reached; check the connection and try again.`,
      { details: { url }, cause },
    );
  }
  if (response.ok) return response;
  await response.body?.cancel();
  throw new LabError(
    'source/network',
    `${url} answered with status ${response.status}; try again, or reload the page.`,
    { details: { url, status: response.status } },
  );
}

async function readPieces(
  response: Response,
  url: string,
  keep: (piece: Uint8Array) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      keep(value);
    }
  } catch (cause) {
    // Frees the connection; its own failure has nothing to add.
    reader.cancel().catch(() => undefined);
    signal?.throwIfAborted();
    if (cause instanceof LabError) throw cause;
    throw new LabError(
      'source/network',
      `The transfer of ${url} broke off; check the connection and try again.`,
      { details: { url }, cause },
    );
  }
}

function wrongSize(url: string, expectedBytes: number, arrivedBytes: number): LabError {
  return new LabError(
    'source/network',
    `${url} sent ${shownBytes(arrivedBytes)} instead of ${shownBytes(expectedBytes)}; reload the page to get matching files.`,
    { details: { url, expectedBytes, arrivedBytes } },
  );
}
