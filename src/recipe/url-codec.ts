import { LabError } from '../core/errors';

/** A link is at most a few kilobytes; this stops a hand-made one from unpacking without end. */
const maxStateBytes = 256 * 1024;

/** A JSON value as the text behind `#r=`: deflate-raw, then base64url. */
export async function encodeState(state: unknown): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(state));
  const packed = await collect(through(bytes, new CompressionStream('deflate-raw')), Infinity);
  let binary = '';
  for (const byte of packed) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/**
 * The JSON value that `encodeState` packed. Its shape is for the caller to check: anyone can make a
 * link.
 * @throws LabError `url/bad-state` when the text is cut, changed or too large
 */
export async function decodeState(text: string): Promise<unknown> {
  try {
    const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
    const packed = Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
    const bytes = await collect(
      through(packed, new DecompressionStream('deflate-raw')),
      maxStateBytes,
    );
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch (cause) {
    throw new LabError(
      'url/bad-state',
      'The link is damaged or was cut short, so its settings cannot be read. Ask for it again, or go on with the defaults.',
      { cause },
    );
  }
}

function through(
  bytes: Uint8Array,
  transform: CompressionStream | DecompressionStream,
): ReadableStream<Uint8Array> {
  return new Blob([new Uint8Array(bytes)]).stream().pipeThrough(transform);
}

async function collect(stream: ReadableStream<Uint8Array>, capBytes: number): Promise<Uint8Array> {
  const reader = stream.getReader();
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    sizeBytes += value.length;
    if (sizeBytes > capBytes) {
      await reader.cancel();
      throw new RangeError(`more than ${capBytes} bytes`);
    }
    pieces.push(value);
  }
  const whole = new Uint8Array(sizeBytes);
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.length;
  }
  return whole;
}
