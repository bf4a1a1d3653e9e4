import type { HashQuestion } from '../src/formats/hash-thread';
import { serveHashes } from '../src/formats/serve-hashes';
import { sha256Lanes } from '../src/wasm/sha256-lanes';

const answer = serveHashes((message) => {
  postMessage(message);
}, sha256Lanes());

addEventListener('message', ({ data }: MessageEvent<HashQuestion>) => {
  // Whoever started the thread hears of a failure as the worker's error.
  answer(data).catch(reportError);
});
