import { describe, expect, it, vi } from 'vitest';
import { LabError } from '../../../../src/core/errors';
import {
  checkEndpoint,
  checkRevision,
  isPlainPath,
  isRepoId,
} from '../../../../src/sources/hub/addresses';
import { expectedSha256 } from '../../../../src/sources/hub/content-keys';
import { HubClient, type HubClientOptions } from '../../../../src/sources/hub/hub-client';
import { neededFiles } from '../../../../src/sources/hub/listing';
import { openCheckpoint } from '../../../../src/sources/open-checkpoint';
import {
  bytesContent,
  gitOidOf,
  seededContent,
  sha256Of,
  type HubContent,
} from '../../../hub/content';
import { modelFromFolder } from '../../../hub/repos';
import { client, errorOf, hub, serveHub, strangerToken, token, waitsMs } from './test-hub';

const weights = seededContent(70_000_000, 3);
const config = bytesContent('{"model_type":"llama"}\n');
const files = new Map<string, HubContent>([
  ['.gitattributes', bytesContent('*.safetensors filter=lfs\n')],
  ['config.json', config],
  ['model.safetensors', weights],
  ['original/consolidated.pth', seededContent(1000, 8)],
  ['pytorch_model.bin', seededContent(1000, 9)],
]);

serveHub(async () => {
  const many = new Map(files);
  for (let index = 0; index < 120; index++) {
    many.set(`notes-${index}.txt`, bytesContent(`${index}`));
  }
  return [
    {
      repo: 'lab/open',
      files,
      licence: 'apache-2.0',
      tags: ['base_model:finetune:lab/base'],
      revisions: { v2: many },
    },
    { repo: 'lab/gated', files, gated: 'manual', licence: 'gemma' },
    { repo: 'lab/secret', files, isPrivate: true },
    await modelFromFolder('public/zoo/math', 'zoo/math'),
  ];
});

describe('describe', () => {
  it('tells sizes, hashes, licence and commit by one request, without reading a file', async () => {
    const listing = await client().describe('lab/open');
    expect(hub.requests).toHaveLength(1);
    expect(listing).toMatchObject({
      repo: 'lab/open',
      revision: 'main',
      commit: hub.repos.get('lab/open')?.commitOf('main'),
      gate: 'open',
      gated: false,
      licence: 'apache-2.0',
      baseModels: ['lab/base'],
      page: `${hub.url}/lab/open`,
      neededPaths: ['config.json', 'model.safetensors'],
      neededBytes: weights.sizeBytes + config.sizeBytes,
    });
    expect(listing.files).toHaveLength(files.size);
    const keyOf = (path: string) => listing.files.find((file) => file.path === path)?.key ?? '';
    expect(keyOf('config.json')).toBe(`git:${await gitOidOf(config)}`);
    expect(expectedSha256(keyOf('model.safetensors'))).toBe(await sha256Of(weights));
    expect(expectedSha256(keyOf('config.json'))).toBeUndefined();
  });

  it('describes gated models to anybody, and pins revisions to their commits', async () => {
    expect(await client().describe('lab/gated')).toMatchObject({
      gate: 'manual',
      licence: 'gemma',
    });
    const v2 = await client().describe('lab/open', 'v2');
    expect(v2.files).toHaveLength(files.size + 120);
    const pinned = await client().describe('lab/open', v2.commit);
    expect(pinned.commit).toBe(v2.commit);
  });

  it('asks for the list of files by pages where sizes are left out', async () => {
    const withoutSizes = client({
      fetch: async (url, init) => fetch(url.replace('?blobs=true', ''), init),
    });
    const paged = await withoutSizes.describe('lab/open', 'v2');
    const atOnce = await client().describe('lab/open', 'v2');
    expect(paged).toEqual(atOnce);
    expect(hub.requests.filter(({ path }) => path.includes('/tree/'))).toHaveLength(3);
  });

  it.each([
    ['a model that is not there', 'lab/nothing', 'main', 'hub/not-found'],
    ['a private model', 'lab/secret', 'main', 'hub/not-found'],
    ['a revision that is not there', 'lab/open', 'v9', 'hub/not-found'],
    ['a name with a way out', '../..', 'main', 'hub/bad-name'],
    ['an address as a name', 'https://lab/open', 'main', 'hub/bad-name'],
    ['a revision with a way out', 'lab/open', '../../whoami', 'hub/bad-name'],
  ])('refuses %s', async (_name, repo, revision, code) => {
    expect((await errorOf(client().describe(repo, revision))).code).toBe(code);
  });

  it.each([
    ['{"sha":', 'format/bad-index'],
    ['{"sha":"abc","siblings":[]}', 'format/bad-index'],
    [
      `{"sha":"${'a'.repeat(40)}","siblings":[{"rfilename":"../x","size":1,"blobId":"${'b'.repeat(40)}"}]}`,
      'format/bad-index',
    ],
    [
      `{"sha":"${'a'.repeat(40)}","siblings":[{"rfilename":"x","size":-1,"blobId":"${'b'.repeat(40)}"}]}`,
      'format/bad-index',
    ],
    [`{"sha":"${'a'.repeat(40)}","x":${'['.repeat(60)}${']'.repeat(60)}}`, 'format/bad-index'],
    ['[]', 'format/bad-index'],
  ])('refuses the description %s', async (text, code) => {
    const lying = client({ fetch: async () => Promise.resolve(new Response(text)) });
    expect((await errorOf(lying.describe('lab/open'))).code).toBe(code);
  });

  it('stops at a description without end', async () => {
    const endless = client({
      fetch: async () =>
        Promise.resolve(
          new Response(
            new ReadableStream({
              pull: (controller) => {
                controller.enqueue(new Uint8Array(1 << 20));
              },
            }),
          ),
        ),
    });
    expect((await errorOf(endless.describe('lab/open'))).code).toBe('hub/unavailable');
  });
});

describe('search and account', () => {
  it('finds models by words, with gate and size', async () => {
    const found = await client().search('gat', { limit: 5 });
    expect(found).toEqual([
      expect.objectContaining({
        repo: 'lab/gated',
        gate: 'manual',
        licence: 'gemma',
        weightBytes: 2000,
      }),
    ]);
    expect(await client().search('', { limit: 2 })).toHaveLength(2);
  });

  it('says in a whole sentence that it could not be read', async () => {
    const offline = client({ fetch: async () => Promise.reject(new TypeError('offline')) });
    const { code, message } = await errorOf(offline.search('gat'));
    expect(code).toBe('hub/unavailable');
    expect(message).toMatch(/^The search could not be read to its end; check/u);
    const ofModel = await errorOf(offline.describe('lab/open'));
    expect(ofModel.message).toMatch(/^lab\/open could not be read/u);
  });

  it('knows the owner of a token, and says when it is no good', async () => {
    expect(await client().whoAmI()).toBeUndefined();
    expect(hub.requests).toEqual([]);
    expect(await client({ token: () => token }).whoAmI()).toEqual({ name: 'ada' });
    const error = await errorOf(client({ token: () => 'hf_wrong' }).whoAmI());
    expect(error.code).toBe('hub/gated');
  });
});

describe('gates', () => {
  const readConfig = async (options: HubClientOptions): Promise<unknown> => {
    const model = await client(options).open('lab/gated');
    return model.files.get('config.json')?.read(0, 5);
  };

  it('says where to accept what, with and without a token', async () => {
    const without = await errorOf(readConfig({}));
    expect(without).toMatchObject({ code: 'hub/gated', details: { status: 401, hadToken: false } });
    expect(without.message).toContain(`${hub.url}/lab/gated`);
    expect(without.message).toContain('sign in or paste an access token');
    const stranger = await errorOf(readConfig({ token: () => strangerToken }));
    expect(stranger).toMatchObject({ code: 'hub/gated', details: { status: 403, hadToken: true } });
    expect(stranger.message).toContain(`${hub.url}/lab/gated`);
    expect(await readConfig({ token: () => token })).toBeInstanceOf(Uint8Array);
  });

  it('never lets a token out: not to the other origin, not into addresses or errors', async () => {
    const model = await client({ token: () => token }).open('lab/gated');
    const file = model.files.get('model.safetensors');
    await file?.read(10, 1000);
    await file?.read(5000, 1000);
    const elsewhere = hub.requests.filter(({ at }) => at === 'cdn');
    expect(elsewhere).toHaveLength(2);
    expect(JSON.stringify(elsewhere)).not.toContain(token);
    expect(JSON.stringify(hub.requests.map(({ path }) => path))).not.toContain(token);
    hub.setFaults([{ action: { kind: 'status', status: 500 } }]);
    const error = await errorOf(Promise.resolve(file?.read(0, 10)));
    hub.setFaults([]);
    const broken = await errorOf(
      client({ token: () => `${token}\n${token}` }).describe('lab/open'),
    );
    for (const { message, details, cause, stack } of [error, broken]) {
      const shown = [message, JSON.stringify(details), String(cause), stack ?? ''].join(' ');
      expect(shown).not.toContain(token);
      expect(shown).not.toContain('signed-for-one-reader');
    }
    expect(broken.code).toBe('hub/gated');
  });
});

describe('ranges', () => {
  it('reads a checkpoint from the Hub as from its folder', async () => {
    const model = await client().open('zoo/math');
    const checkpoint = await openCheckpoint(model);
    const [name] = [...checkpoint.tensors.keys()];
    const info = checkpoint.tensors.get(name ?? '');
    const bytes = await checkpoint.read(name ?? '');
    expect(bytes.byteLength).toBe(info?.sizeBytes);
  });

  it('goes straight to where the Hub sent it, until that address refuses', async () => {
    const file = (await client().open('lab/open')).files.get('model.safetensors');
    hub.forgetRequests();
    for (let index = 0; index < 4; index++) await file?.read(index * 100, 100);
    expect(hub.requests.filter(({ at }) => at === 'hub')).toHaveLength(1);
    hub.setFaults([{ at: 'cdn', action: { kind: 'status', status: 403 }, times: 1 }]);
    const bytes = await file?.read(64, 100);
    expect(bytes).toEqual(weights.read(64, 100));
    expect(waitsMs).toEqual([]);
    expect(hub.requests.filter(({ at }) => at === 'hub')).toHaveLength(2);
  });

  it('stops going straight to addresses that are good for one request', async () => {
    const file = (await client().open('lab/open')).files.get('model.safetensors');
    hub.forgetRequests();
    const used = new Set<string>();
    const once = client({
      fetch: async (url, init) => {
        if (!used.has(url) || url.includes('/resolve/')) {
          const response = await fetch(url, init);
          used.add(response.url);
          return response;
        }
        const refused = new Response(null, { status: 403 });
        Object.defineProperty(refused, 'url', { value: url });
        return refused;
      },
    });
    const strict = (await once.open('lab/open')).files.get('model.safetensors');
    for (let index = 0; index < 8; index++) {
      expect(await strict?.read(index, 10)).toEqual(await file?.read(index, 10));
    }
    expect(waitsMs).toEqual([]);
  });

  it('uses one connection for reads that come one after another', async () => {
    const file = (await client().open('lab/open')).files.get('model.safetensors');
    await file?.read(0, 100);
    const before = hub.connectionCount();
    for (let index = 1; index < 20; index++) await file?.read(index * 3_000_000, 200_000);
    expect(hub.connectionCount() - before).toBeLessThanOrEqual(1);
  });

  it('fills memory of the caller, and refuses ranges outside the file before asking', async () => {
    const file = (await client().open('lab/open')).files.get('model.safetensors');
    const room = new Uint8Array(new SharedArrayBuffer(100_000));
    const bytes = await file?.read(3, 100_000, undefined, () => room);
    expect(bytes).toBe(room);
    expect(Buffer.compare(room, weights.read(3, 100_000) as Uint8Array)).toBe(0);
    hub.forgetRequests();
    const outside = errorOf(Promise.resolve(file?.read(weights.sizeBytes - 5, 6)));
    expect((await outside).code).toBe('format/truncated');
    expect(await file?.read(7, 0)).toHaveLength(0);
    expect(hub.requests).toEqual([]);
  });

  it('reads past a limited part of a server without ranges', async () => {
    const file = (await client().open('lab/open')).files.get('model.safetensors');
    hub.setFaults([{ at: 'cdn', action: { kind: 'no-ranges' } }]);
    const near = await file?.read(2_000_000, 10);
    expect(near).toEqual(weights.read(2_000_000, 10));
    const far = await errorOf(Promise.resolve(file?.read(69_000_000, 10)));
    expect(far).toMatchObject({ code: 'hub/unavailable', details: { maxSkippedBytes: 64 << 20 } });
  });

  it('counts the bytes that arrive', async () => {
    let countBytes = 0;
    const counting = client({ onBytes: (count) => (countBytes += count) });
    await (await counting.open('lab/open')).files.get('model.safetensors')?.read(5, 123_456);
    expect(countBytes).toBe(123_456);
  });
});

describe('files that are not what was listed', () => {
  it('refuses another ETag than before', async () => {
    const file = (await client().open('lab/open')).files.get('model.safetensors');
    await file?.read(0, 10);
    hub.setFaults([{ at: 'cdn', action: { kind: 'etag', etag: 'another' } }]);
    expect((await errorOf(Promise.resolve(file?.read(0, 10)))).code).toBe('hub/changed');
  });

  it('refuses another ETag in the middle of a read', async () => {
    const file = (await client().open('lab/open')).files.get('model.safetensors');
    hub.setFaults([
      { at: 'cdn', action: { kind: 'drop', afterBytes: 1_000_000 }, times: 1 },
      { at: 'cdn', action: { kind: 'etag', etag: 'another' } },
    ]);
    const error = await errorOf(Promise.resolve(file?.read(0, 3_000_000)));
    expect(error.code).toBe('hub/changed');
  });

  it('stays at the commit that it opened when the branch moves on', async () => {
    const model = await client().open('lab/open', 'v2');
    hub.repos.get('lab/open')?.commit('v2', new Map([['config.json', bytesContent('{}')]]));
    const bytes = await model.files.get('config.json')?.read(0, config.sizeBytes);
    expect(Buffer.from(bytes ?? []).toString()).toBe('{"model_type":"llama"}\n');
    expect((await client().open('lab/open', 'v2')).commit).not.toBe(model.commit);
  });

  it('refuses a whole file whose bytes have another hash', async () => {
    const model = await client().open('zoo/math');
    hub.setFaults([{ action: { kind: 'wrong-bytes' } }]);
    for (const path of ['config.json', 'model.safetensors']) {
      const file = model.files.get(path);
      const error = await errorOf(Promise.resolve(file?.read(0, file.sizeBytes)));
      expect(error).toMatchObject({ code: 'hub/wrong-hash', details: { path } });
    }
  });

  it('refuses a file that became shorter', async () => {
    const file = (await client().open('lab/open')).files.get('model.safetensors');
    hub.setFaults([{ at: 'cdn', action: { kind: 'status', status: 416 } }]);
    expect((await errorOf(Promise.resolve(file?.read(0, 10)))).code).toBe('hub/changed');
  });

  it('refuses a redirect to an address without encryption', async () => {
    const plain = client({
      fetch: async (url, init) => {
        const response = await fetch(url, init);
        if (!url.includes('/resolve/')) return response;
        Object.defineProperty(response, 'url', { value: 'http://example.test/blob' });
        return response;
      },
    });
    const file = (await plain.open('lab/open')).files.get('model.safetensors');
    const error = await errorOf(Promise.resolve(file?.read(0, 10)));
    expect(error.code).toBe('hub/unavailable');
    expect(error.message).toContain('without encryption');
  });
});

describe('patience', () => {
  const readSome = async (options: HubClientOptions = {}): Promise<Uint8Array | undefined> =>
    (await client(options).open('zoo/math')).files.get('config.json')?.read(0, 5);

  it('waits as long as the server says, in seconds or by a date', async () => {
    const headers = { 'Retry-After': '7' };
    hub.setFaults([
      { match: /resolve/, action: { kind: 'status', status: 429, headers }, times: 2 },
    ]);
    await readSome();
    expect(waitsMs).toHaveLength(2);
    for (const waitMs of waitsMs) {
      expect(waitMs).toBeGreaterThanOrEqual(7000);
      expect(waitMs).toBeLessThan(9000);
    }
    waitsMs.length = 0;
    const date = { 'Retry-After': new Date(Date.now() + 20_000).toUTCString() };
    hub.setFaults([
      { match: /resolve/, action: { kind: 'status', status: 503, headers: date }, times: 1 },
    ]);
    await readSome();
    expect(waitsMs[0]).toBeGreaterThan(15_000);
    expect(waitsMs[0]).toBeLessThan(22_000);
  });

  it("reads the public Hub's own header of limits", async () => {
    const headers = { RateLimit: '"resolvers";r=0;t=42' };
    hub.setFaults([
      { match: /resolve/, action: { kind: 'status', status: 429, headers }, times: 1 },
    ]);
    await readSome();
    expect(waitsMs[0]).toBeGreaterThanOrEqual(42_000);
  });

  it('does not wait for an hour, but says when to come back', async () => {
    const headers = { 'Retry-After': '3600' };
    hub.setFaults([{ match: /resolve/, action: { kind: 'status', status: 429, headers } }]);
    const error = await errorOf(readSome());
    expect(error.code).toBe('hub/rate-limited');
    expect(error.message).toContain('in 60 min');
    expect(waitsMs).toEqual([]);
  });

  it('waits longer each time, with chance, and gives up', async () => {
    hub.setFaults([{ match: /resolve/, action: { kind: 'status', status: 500 } }]);
    await errorOf(readSome());
    expect(waitsMs).toEqual([500, 1000, 2000, 4000, 8000]);
    waitsMs.length = 0;
    await errorOf(readSome({ random01: () => 0 }));
    expect(waitsMs).toEqual([0, 0, 0, 0, 0]);
  });

  it('goes on as long as bytes come, but not for ever', async () => {
    const file = (await client().open('lab/open')).files.get('model.safetensors');
    hub.setFaults([{ at: 'cdn', action: { kind: 'drop', afterBytes: 300_000 }, times: 12 }]);
    const bytes = await file?.read(0, 6_000_000);
    expect(Buffer.compare(bytes ?? Buffer.alloc(0), weights.read(0, 6_000_000) as Uint8Array)).toBe(
      0,
    );
    hub.setFaults([{ at: 'cdn', action: { kind: 'truncate', afterBytes: 10 } }]);
    expect((await errorOf(Promise.resolve(file?.read(0, 6_000_000)))).code).toBe('hub/unavailable');
  });

  it('stops at once when it is told to, in a transfer and in a wait', async () => {
    const file = (await client().open('lab/open')).files.get('model.safetensors');
    hub.setFaults([{ at: 'cdn', action: { kind: 'slow', bytesPerSecond: 100_000 } }]);
    const transfer = new AbortController();
    const reading = file?.read(0, 5_000_000, transfer.signal);
    setTimeout(() => {
      transfer.abort();
    }, 50);
    await expect(reading).rejects.toMatchObject({ name: 'AbortError' });
    hub.setFaults([{ match: /resolve/, action: { kind: 'status', status: 500 } }]);
    const waiting = new AbortController();
    const slow = new HubClient({ endpoint: hub.url, random01: () => 0.99 });
    const config = (await slow.open('zoo/math')).files.get('config.json');
    const retrying = config?.read(0, 5, waiting.signal);
    setTimeout(() => {
      waiting.abort();
    }, 50);
    await expect(retrying).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('does not try again to describe a model while there is no network', async () => {
    vi.stubGlobal('navigator', { onLine: false });
    try {
      const offline = client({ endpoint: 'http://127.0.0.1:9' });
      expect((await errorOf(offline.describe('lab/open'))).code).toBe('hub/unavailable');
    } finally {
      vi.unstubAllGlobals();
    }
    expect(waitsMs).toEqual([]);
  });

  it('says that nobody answers', async () => {
    const error = await errorOf(client({ endpoint: 'http://127.0.0.1:9' }).describe('lab/open'));
    expect(error.code).toBe('hub/unavailable');
  });
});

describe('addresses', () => {
  it.each([
    'http://example.com',
    'ftp://example.com',
    'https://me:pw@example.com',
    'hub',
    'https://a.b/?q',
  ])('gives no token to the endpoint %s', (endpoint) => {
    expect(() => checkEndpoint(endpoint)).toThrow(LabError);
  });

  it('takes endpoints over TLS and on this machine', () => {
    expect(checkEndpoint('https://huggingface.co/')).toBe('https://huggingface.co');
    expect(checkEndpoint('http://localhost:8123')).toBe('http://localhost:8123');
    expect(checkEndpoint('https://mirror.test/hub/')).toBe('https://mirror.test/hub');
  });

  it('knows names, revisions and paths from ways out', () => {
    expect(['google/gemma-2-2b', 'a/b.c_d-e'].every(isRepoId)).toBe(true);
    expect(
      ['gemma', 'a/b/c', '/b', 'a/', './b', 'a/..', 'a/b.git', 'a/b?c', ''].some(isRepoId),
    ).toBe(false);
    for (const revision of ['main', 'refs/pr/3', 'v1.0']) {
      expect(checkRevision(revision)).toBe(revision);
    }
    for (const revision of ['', '-x', 'a..b', 'a//b', 'a?b', 'a b']) {
      expect(() => checkRevision(revision)).toThrow(LabError);
    }
    expect(['config.json', 'onnx/model.onnx', 'ü/%2e.txt'].every(isPlainPath)).toBe(true);
    const bad = [
      '/etc/passwd',
      '../x',
      'a/../b',
      'a//b',
      'C:/x',
      'a\\b',
      'a\u0000',
      '',
      'https://x/y',
    ];
    expect(bad.some(isPlainPath)).toBe(false);
  });
});

describe('neededFiles', () => {
  const needed = (...paths: readonly string[]): string[] =>
    neededFiles(paths.map((path) => ({ path, sizeBytes: 1, key: `git:${path}` }))).map(
      ({ path }) => path,
    );

  it('leaves out weights that would be read twice', () => {
    expect(
      needed(
        'config.json',
        'model.safetensors',
        'pytorch_model.bin',
        'tf_model.h5',
        'onnx/model.onnx',
        'model.fp16.safetensors',
        'model.gguf',
      ),
    ).toEqual(['config.json', 'model.safetensors']);
    const shards = [
      'model.safetensors.index.json',
      'model-00001-of-00002.safetensors',
      'model-00002-of-00002.safetensors',
    ];
    expect(needed(...shards, 'consolidated.safetensors')).toEqual(shards);
    expect(needed('adapter_config.json', 'adapter_model.safetensors')).toHaveLength(2);
  });

  it('keeps GGUF where there is nothing else, and texts that loaders read', () => {
    expect(needed('README.md', 'model-Q8_0.gguf', 'BF16/model.gguf')).toHaveLength(3);
    const texts = [
      'tokenizer.json',
      'tokenizer.model',
      'merges.txt',
      'chat_template.jinja',
      'LICENSE',
    ];
    expect(needed(...texts, '.gitattributes', 'image.png')).toEqual(texts);
  });
});
