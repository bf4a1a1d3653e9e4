import { MessageChannel } from 'node:worker_threads';
import { createHash, randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { HashThread, type HashAnswer, type HashQuestion } from '../../../src/formats/hash-thread';
import { serveHashes } from '../../../src/formats/serve-hashes';

/** Both sides over a real channel. */
function startBoth(): { readonly thread: HashThread; readonly fail: (cause: unknown) => void } {
  const { port1, port2 } = new MessageChannel();
  const answer = serveHashes((message) => {
    port2.postMessage(message);
  });
  port2.on('message', (question: HashQuestion) => void answer(question));
  let fail: (cause: unknown) => void = () => undefined;
  const thread = new HashThread({
    post: (question) => {
      port1.postMessage(question);
    },
    listen: (onAnswer: (message: HashAnswer) => void, onEnd) => {
      port1.on('message', onAnswer);
      fail = onEnd;
    },
    end: () => {
      port1.close();
    },
  });
  return {
    thread,
    fail: (cause) => {
      fail(cause);
    },
  };
}

it('hashes several streams at once, longer than the memory between the threads', async () => {
  const { thread } = startBoth();
  const streams = [21 << 20, 3, 9_000_001].map((length) => randomBytes(length));
  const found = await Promise.all(
    streams.map(async (bytes) => {
      const hash = thread.open();
      for (let offset = 0; offset < bytes.length; offset += 5_000_000) {
        const part = Uint8Array.from(bytes.subarray(offset, offset + 5_000_000));
        await hash.update(part);
        part.fill(0);
      }
      const hex = await hash.digestHex();
      hash.dispose?.();
      return hex;
    }),
  );
  expect(found).toEqual(streams.map((bytes) => createHash('sha256').update(bytes).digest('hex')));
  thread.end();
});

it('goes on with a hash that was saved, here or on another thread', async () => {
  const bytes = Uint8Array.from(randomBytes(5_000_001));
  const first = startBoth().thread;
  const begun = first.open();
  await begun.update(bytes.subarray(0, 3_000_000));
  const state = await begun.save?.();
  // What comes after it is not in the state.
  await begun.update(bytes.subarray(3_000_000));
  const whole = createHash('sha256').update(bytes).digest('hex');
  expect(await begun.digestHex()).toBe(whole);
  first.end();
  const second = startBoth().thread;
  const resumed = second.open(state);
  await resumed.update(bytes.subarray(3_000_000));
  expect(await resumed.digestHex()).toBe(whole);
  second.end();
});

it('takes in pieces of different hashes together, each hash in its order', async () => {
  const together: number[] = [];
  const told: HashAnswer[] = [];
  const answer = serveHashes(
    (message) => told.push(message),
    (parts) => {
      together.push(parts.length);
      for (const { hash, bytes } of parts) hash.update(bytes);
    },
  );
  const pieces = new SharedArrayBuffer(1024);
  new Uint8Array(pieces).set(randomBytes(1024));
  const piece = (hash: number, place: number): HashQuestion => ({
    kind: 'piece',
    hash,
    place,
    lengthBytes: 100,
  });
  const questions: HashQuestion[] = [
    { kind: 'start', pieces, pieceBytes: 128 },
    piece(0, 0),
    piece(0, 1),
    piece(1, 2),
    { kind: 'digest', hash: 0 },
    piece(2, 3),
    piece(3, 4),
    piece(4, 5),
    { kind: 'digest', hash: 1 },
    { kind: 'digest', hash: 4 },
  ];
  await Promise.all(questions.map(answer));
  expect(together).toEqual([4, 2]);
  const at = (...places: number[]): string => {
    const hash = createHash('sha256');
    for (const place of places) hash.update(new Uint8Array(pieces, 128 * place, 100));
    return hash.digest('hex');
  };
  expect(told.filter(({ kind }) => kind === 'digest')).toEqual([
    { kind: 'digest', hash: 0, hex: at(0, 1) },
    { kind: 'digest', hash: 1, hex: at(2) },
    { kind: 'digest', hash: 4, hex: at(5) },
  ]);
});

it('tells everyone who waits when the thread ends', async () => {
  const { thread, fail } = startBoth();
  const hash = thread.open();
  const updated = hash.update(new Uint8Array(30 << 20));
  fail(new Error('gone'));
  await expect(updated).rejects.toMatchObject({ code: 'worker/crashed' });
  await expect(hash.digestHex()).rejects.toMatchObject({ code: 'worker/crashed' });
  thread.end();
});
