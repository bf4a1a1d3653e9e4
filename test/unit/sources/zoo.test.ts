import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModelFile } from '../../../src/sources/model-files';
import { Zoo } from '../../../src/sources/zoo';

const weights = new Uint8Array(3_000_000).map((_, index) => (index * 31) & 0xff);
const files = new Map<string, Uint8Array>([
  ['/zoo/base/model.safetensors', weights],
  ['/zoo/base/config.json', new TextEncoder().encode('{}')],
  ['/zoo/base/damaged.bin', new Uint8Array(10)],
  ['/zoo/items/math.jsonl', new TextEncoder().encode('{"id":"é"}\n')],
]);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const record = (path: string, sizeBytes: number, hash: string): object => ({
  path,
  sizeBytes,
  sha256: hash,
});
files.set(
  '/zoo/manifest.json',
  new TextEncoder().encode(
    JSON.stringify({
      version: 1,
      base: 'base',
      specialists: [],
      models: {
        base: {
          title: 'Base',
          path: 'base',
          files: [
            record('model.safetensors', weights.byteLength, sha256(weights)),
            record('config.json', 2, sha256(new TextEncoder().encode('{}'))),
            record('damaged.bin', 10, 'f'.repeat(64)),
            record('short.bin', 5, 'f'.repeat(64)),
            record('gone.bin', 5, 'f'.repeat(64)),
            record('cut.bin', 100, 'f'.repeat(64)),
            record('slow.bin', 100, 'f'.repeat(64)),
          ],
        },
      },
      items: { math: { path: 'items/math.jsonl', count: 1 } },
    }),
  ),
);
files.set('/zoo/base/short.bin', new Uint8Array(6));

let server: Server;
let baseUrl = '';
const requested: string[] = [];
const closedEarly: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    const url = request.url ?? '';
    requested.push(url);
    response.on('close', () => {
      if (!response.writableFinished) closedEarly.push(url);
    });
    if (url.endsWith('/cut.bin')) {
      response.writeHead(200, { 'content-length': '100' });
      response.write(new Uint8Array(10), () => response.destroy());
      return;
    }
    if (url.endsWith('/slow.bin')) {
      response.writeHead(200);
      response.write(new Uint8Array(10));
      return;
    }
    const bytes = files.get(url);
    response.writeHead(bytes === undefined ? 404 : 200).end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/zoo/`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

describe('Zoo', () => {
  it('fetches a file once, whole, and reads ranges of it', async () => {
    const zoo = await Zoo.open(baseUrl);
    const file = zoo.model('base').files.get('model.safetensors');
    const parts = await Promise.all([file?.read(0, 100), file?.read(2_999_990, 10)]);
    expect(parts[0]).toEqual(weights.slice(0, 100));
    expect(parts[1]).toEqual(weights.slice(2_999_990));
    // What a read returns is the caller's own.
    parts[0]?.fill(0);
    expect(await file?.read(0, 2)).toEqual(weights.slice(0, 2));
    expect(requested.filter((url) => url.endsWith('model.safetensors'))).toHaveLength(1);
    await expect(file?.read(2_999_990, 11)).rejects.toMatchObject({ code: 'format/truncated' });
    expect(await zoo.items('math')).toBe('{"id":"é"}\n');
  });

  it.each([
    ['damaged.bin', 'promises'],
    ['short.bin', 'instead of'],
    ['gone.bin', '404'],
    ['cut.bin', 'broke off'],
  ])('refuses %s and tries again at the next read', async (path, words) => {
    const zoo = await Zoo.open(baseUrl);
    const file = zoo.model('base').files.get(path);
    for (let attempt = 1; attempt <= 2; attempt++) {
      await expect(file?.read(0, 1)).rejects.toMatchObject({
        code: 'source/network',
        message: expect.stringContaining(words) as string,
      });
    }
    expect(requested.filter((url) => url.endsWith(path))).toHaveLength(2);
  });

  it('says that nobody answers', async () => {
    await expect(Zoo.open('http://127.0.0.1:1/zoo/')).rejects.toMatchObject({
      code: 'source/network',
    });
  });

  it('aborts the transfer when the last reader has gone', async () => {
    const zoo = await Zoo.open(baseUrl);
    const file = zoo.model('base').files.get('slow.bin') as ModelFile;
    const first = new AbortController();
    const second = new AbortController();
    const reads = [file.read(0, 1, first.signal), file.read(0, 1, second.signal)];
    const outcomes = Promise.allSettled(reads);
    await new Promise((resolve) => setTimeout(resolve, 50));
    first.abort(new Error('first gone'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(closedEarly.some((url) => url.endsWith('slow.bin'))).toBe(false);
    second.abort(new Error('second gone'));
    const reasons = (await outcomes).map((outcome) =>
      outcome.status === 'rejected' ? String(outcome.reason) : 'read',
    );
    expect(reasons).toEqual(['Error: first gone', 'Error: second gone']);
    await expect.poll(() => closedEarly.some((url) => url.endsWith('slow.bin'))).toBe(true);
  });

  it('names the models it has when asked for another', async () => {
    const zoo = await Zoo.open(baseUrl);
    expect(() => zoo.model('law')).toThrow(/"law".*base/);
  });
});
