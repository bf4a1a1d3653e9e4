// What reading and storing cost without a merge between them.
import { saveToStore } from '../../../src/engine/store-sink';
import { LabStore } from '../../../src/store/lab-store';

export type ProbeQuestion =
  | { readonly kind: 'fetch'; readonly urls: readonly string[] }
  | { readonly kind: 'read'; readonly files: readonly File[] }
  | { readonly kind: 'store'; readonly sizeBytes: number };

export interface ProbeAnswer {
  readonly byteCount: number;
  readonly elapsedMs: number;
}

/** As many as a merge keeps busy. */
const streamCount = 2;
/** Enough to know how fast it goes. */
const maxBytes = 4e9;
const pieceBytes = 4 << 20;

addEventListener('message', ({ data }: MessageEvent<ProbeQuestion>) => {
  void answer(data).then((found) => {
    postMessage(found);
  });
});

async function answer(question: ProbeQuestion): Promise<ProbeAnswer> {
  const startMs = performance.now();
  const byteCount = await work(question);
  return { byteCount, elapsedMs: performance.now() - startMs };
}

async function work(question: ProbeQuestion): Promise<number> {
  switch (question.kind) {
    case 'fetch':
      return inStreams(question.urls, async (url, isEnough) => {
        const { body } = await fetch(url, { cache: 'no-store' });
        if (body !== null) await drain(body, isEnough);
      });
    case 'read':
      return inStreams(question.files, async (file, isEnough) => drain(file.stream(), isEnough));
    case 'store':
      return store(Math.min(question.sizeBytes, maxBytes / 2));
  }
}

async function inStreams<T>(
  items: readonly T[],
  take: (item: T, isEnough: (more: number) => boolean) => Promise<void>,
): Promise<number> {
  const waiting = [...items];
  let byteCount = 0;
  const stream = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
      if (byteCount > maxBytes) break;
      await take(item, (more) => (byteCount += more) > maxBytes);
    }
  };
  await Promise.all(Array.from({ length: streamCount }, stream));
  return byteCount;
}

/** @param isEnough is told how many bytes came, and says when to leave */
async function drain(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  isEnough: (more: number) => boolean,
): Promise<void> {
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    if (isEnough(value.byteLength)) return reader.cancel();
  }
}

async function store(sizeBytes: number): Promise<number> {
  const labStore = new LabStore();
  const id = `probe/${sizeBytes}`;
  const file = {
    path: 'model.safetensors',
    sizeBytes,
    // eslint-disable-next-line @typescript-eslint/require-await -- bytes that are there already
    stream: async function* () {
      const piece = crypto.getRandomValues(new Uint8Array(65_536));
      const pieces = new Uint8Array(pieceBytes);
      for (let at = 0; at < pieceBytes; at += piece.byteLength) pieces.set(piece, at);
      for (let left = sizeBytes; left > 0; left -= pieceBytes) {
        yield pieces.subarray(0, Math.min(left, pieceBytes));
      }
    },
  };
  await saveToStore([file], labStore, id, 'probe');
  await labStore.deleteModel(id);
  await labStore.close();
  return sizeBytes;
}
