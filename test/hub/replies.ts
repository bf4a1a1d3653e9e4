import type { IncomingMessage, ServerResponse } from 'node:http';
import { createHash } from 'node:crypto';
import { bytesContent } from './content';
import type { FaultAction } from './faults';
import { sendContent } from './send-content';

/** Answers with JSON; faults of bodies happen to it as to a file. */
export function sendJson(
  response: ServerResponse,
  body: unknown,
  broken?: { readonly request: IncomingMessage; readonly fault: FaultAction | undefined },
): void {
  const text = JSON.stringify(body);
  if (broken?.fault !== undefined) {
    const { request, fault } = broken;
    const etag = createHash('sha1').update(text).digest('hex');
    sendContent(request, response, bytesContent(text), etag, fault).catch(() => {
      response.destroy();
    });
    return;
  }
  response.writeHead(200, { 'Content-Type': 'application/json; charset=utf-8' }).end(text);
}

/** A refusal as the Hub words it. */
export function refuse(
  response: ServerResponse,
  status: number,
  errorCode: string | undefined,
  error: string,
): void {
  const headers: Record<string, string> = { 'Content-Type': 'application/json' };
  if (errorCode !== undefined) headers['X-Error-Code'] = errorCode;
  response
    .writeHead(status, { ...headers, 'X-Error-Message': error })
    .end(JSON.stringify({ error }));
}

export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
}
