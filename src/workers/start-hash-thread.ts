import { HashThread, type HashAnswer } from '../formats/hash-thread';

/**
 * Starts a thread that hashes; end it when the run ends. Undefined where threads cannot share memory,
 * for the page is not cross-origin isolated.
 */
export function startHashThread(): HashThread | undefined {
  if (!(globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated) return undefined;
  const worker = new Worker(new URL('../../workers/hash.worker.ts', import.meta.url), {
    type: 'module',
    name: 'hash',
  });
  return new HashThread({
    post: (question) => {
      worker.postMessage(question);
    },
    listen: (onAnswer, onEnd) => {
      worker.addEventListener('message', ({ data }: MessageEvent<HashAnswer>) => {
        onAnswer(data);
      });
      worker.addEventListener('error', onEnd);
    },
    end: () => {
      worker.terminate();
    },
  });
}
