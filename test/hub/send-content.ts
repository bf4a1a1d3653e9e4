import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { createGzip, type Gzip } from 'node:zlib';
import { piecesOf, type HubContent } from './content';
import type { FaultAction } from './faults';

/** The part of a file that a request asks for. */
interface AskedRange {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/** Answers GET and HEAD with a file or a part of it, and does what the fault says. */
export async function sendContent(
  request: IncomingMessage,
  response: ServerResponse,
  content: HubContent,
  etag: string,
  fault: FaultAction | undefined,
): Promise<void> {
  const { sizeBytes } = content;
  const allowed = request.headers['accept-encoding'] ?? '';
  const isGzip = fault?.kind === 'gzip' && (fault.isAlways === true || allowed.includes('gzip'));
  const asked =
    fault?.kind === 'no-ranges' ? undefined : askedRange(request.headers.range, sizeBytes);
  if (asked === 'outside') {
    response.writeHead(416, { 'Content-Range': `bytes */${sizeBytes}` }).end();
    return;
  }
  const { offsetBytes, lengthBytes } = asked ?? { offsetBytes: 0, lengthBytes: sizeBytes };
  response.setHeader('ETag', `"${fault?.kind === 'etag' ? fault.etag : etag}"`);
  response.setHeader('Content-Type', 'application/octet-stream');
  if (fault?.kind !== 'no-ranges') response.setHeader('Accept-Ranges', 'bytes');
  if (asked !== undefined) {
    const begin = offsetBytes + (fault?.kind === 'wrong-range' ? 1 : 0);
    response.setHeader('Content-Range', `bytes ${begin}-${begin + lengthBytes - 1}/${sizeBytes}`);
  }
  if (isGzip) response.setHeader('Content-Encoding', 'gzip');
  else if (fault?.kind === 'wrong-length') {
    response.setHeader('Content-Length', lengthBytes + fault.extraBytes);
    response.setHeader('Connection', 'close');
  } else if (fault?.kind !== 'truncate') response.setHeader('Content-Length', lengthBytes);
  response.writeHead(asked === undefined ? 200 : 206);
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  await sendBody(response, piecesOf(content, offsetBytes, lengthBytes), fault, isGzip);
}

function askedRange(
  header: string | undefined,
  sizeBytes: number,
): AskedRange | 'outside' | undefined {
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === undefined) return undefined;
  const offsetBytes = Number(first);
  if (offsetBytes >= sizeBytes) return 'outside';
  const end = last === undefined || last === '' ? sizeBytes : Math.min(sizeBytes, Number(last) + 1);
  return { offsetBytes, lengthBytes: end - offsetBytes };
}

async function sendBody(
  response: ServerResponse,
  pieces: AsyncIterable<Uint8Array>,
  fault: FaultAction | undefined,
  isGzip: boolean,
): Promise<void> {
  const stopAfter =
    fault?.kind === 'drop' || fault?.kind === 'truncate' || fault?.kind === 'stall'
      ? fault.afterBytes
      : Infinity;
  let out: ServerResponse | Gzip = response;
  if (isGzip) {
    out = createGzip({ level: 1 });
    out.pipe(response);
  }
  let sentBytes = 0;
  for await (const whole of pieces) {
    let piece = whole.subarray(0, Math.max(0, stopAfter - sentBytes));
    if (fault?.kind === 'wrong-bytes' && sentBytes === 0 && piece.byteLength > 0) {
      piece = piece.slice();
      piece[0] = (piece[0] ?? 0) ^ 1;
    }
    if (fault?.kind === 'slow') await sendSlowly(response, piece, fault.bytesPerSecond);
    else if (piece.byteLength > 0 && !out.write(piece)) await drained(response, out);
    if (response.destroyed) return;
    sentBytes += piece.byteLength;
    if (sentBytes < stopAfter) continue;
    if (fault?.kind === 'stall') return;
    if (fault?.kind === 'drop') {
      // What was written shall arrive before the cut.
      await new Promise((resolve) => setImmediate(resolve));
      response.socket?.destroySoon();
      return;
    }
    break;
  }
  out.end();
}

async function drained(response: ServerResponse, out: ServerResponse | Gzip): Promise<void> {
  const gone = new AbortController();
  const onClose = (): void => {
    gone.abort();
  };
  response.once('close', onClose);
  try {
    await once(out, 'drain', { signal: gone.signal });
  } catch {
    // The client went away; the caller sees it at the response.
  } finally {
    response.off('close', onClose);
  }
}

async function sendSlowly(
  response: ServerResponse,
  piece: Uint8Array,
  bytesPerSecond: number,
): Promise<void> {
  const startMs = performance.now();
  const stepBytes = Math.max(1, Math.floor(bytesPerSecond / 50));
  for (let offset = 0; offset < piece.byteLength && !response.destroyed; offset += stepBytes) {
    response.write(piece.subarray(offset, offset + stepBytes));
    const dueMs = startMs + (1000 * (offset + stepBytes)) / bytesPerSecond;
    await delay(Math.max(0, dueMs - performance.now()));
  }
}
