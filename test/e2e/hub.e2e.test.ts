import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chromium, type Browser, type Page } from 'playwright';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { LabError } from '../../src/core/errors';
import { chromiumPath } from '../../tools/chromium';
import { bytesContent, seededContent } from '../hub/content';
import type { FaultAction } from '../hub/faults';
import { startHubServer, type HubServer } from '../hub/server';
import type * as HubPage from './hub-page';

const token = 'hf_SecretOfTheBrowser';
const weights = seededContent(9_000_000, 11);
const files = new Map([
  ['model.safetensors', weights],
  ['config.json', bytesContent('{"model_type":"llama"}')],
]);
const offsetBytes = 1_234_567;
const lengthBytes = 6_000_000;
const html =
  '<!doctype html><title>Hub</title><script type="module">import * as hub from "/hub-page.js"; window.hub = hub;</script>';
const wanted = createHash('sha256')
  .update(weights.read(offsetBytes, lengthBytes) as Uint8Array)
  .digest('hex');

let hub: HubServer;
let site: Server;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  hub = await startHubServer({
    models: [
      { repo: 'lab/open', files },
      { repo: 'lab/gated', files, gated: 'manual' },
    ],
    users: [{ name: 'ada', token, accepted: ['lab/gated'] }],
  });
  const chunks = await bundledChunks();
  // As strict as the real page: isolated, so that nothing slips in without permission.
  site = createServer((request, response) => {
    const code = chunks.get(request.url ?? '');
    response
      .writeHead(200, {
        'Content-Type': code === undefined ? 'text/html' : 'text/javascript',
        'Cross-Origin-Opener-Policy': 'same-origin',
        'Cross-Origin-Embedder-Policy': 'require-corp',
      })
      .end(code ?? html);
  });
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  browser = await chromium.launch({
    executablePath: chromiumPath(),
    args: ['--headless=new', '--no-sandbox', '--disable-background-networking'],
  });
  page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
});
afterAll(async () => {
  await browser.close();
  site.close();
  await hub.close();
});
afterEach(() => {
  hub.setFaults([]);
  hub.forgetRequests();
});

/** The code as the site's bundle has it, by path. */
async function bundledChunks(): Promise<ReadonlyMap<string, string>> {
  const built = await build({
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      copyPublicDir: false,
      lib: { entry: 'test/e2e/hub-page.ts', formats: ['es'], fileName: 'hub-page' },
    },
  });
  if (!Array.isArray(built)) throw new Error('the page was not bundled');
  const chunks = built
    .flatMap(({ output }) => output)
    .flatMap((chunk) => (chunk.type === 'chunk' ? [chunk] : []));
  return new Map(chunks.map(({ fileName, code }) => [`/${fileName}`, code]));
}

interface Read {
  /** SHA-256 of what arrived. */
  readonly sha256?: string;
  readonly code?: string;
  readonly shown?: string;
  /** Reads into a buffer of the reader's own choice. */
  readonly ownBufferReads: number;
}

/** Reads the range in the page, into memory shared with threads as the merge's is. */
async function readInPage(repo: string, withToken?: string): Promise<Read> {
  const asked = { endpoint: hub.url, repo, withToken, offsetBytes, lengthBytes };
  return page.evaluate(async ({ endpoint, repo, withToken, offsetBytes, lengthBytes }) => {
    const { HubClient } = (window as unknown as { readonly hub: typeof HubPage }).hub;
    let ownBufferReads = 0;
    const readers = ReadableStreamBYOBReader.prototype;
    const kept = Object.getOwnPropertyDescriptor(readers, 'read') ?? {};
    Object.defineProperty(readers, 'read', {
      ...kept,
      value(this: ReadableStreamBYOBReader, ...parameters: unknown[]): unknown {
        ownBufferReads += 1;
        return (kept.value as (...given: unknown[]) => unknown).apply(this, parameters);
      },
    });
    try {
      const client = new HubClient({
        endpoint,
        token: () => withToken,
        wait: async () => Promise.resolve(),
        stallMs: 1500,
      });
      const model = await client.open(repo);
      const file = model.files.get('model.safetensors');
      const room = new Uint8Array(new SharedArrayBuffer(lengthBytes));
      const bytes = await file?.read(offsetBytes, lengthBytes, undefined, () => room);
      const digest = await crypto.subtle.digest('SHA-256', (bytes ?? new Uint8Array()).slice());
      const hex = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0'));
      return { sha256: hex.join(''), ownBufferReads };
    } catch (error) {
      const { code, message, details } = error as LabError;
      return { code, shown: message + JSON.stringify(details), ownBufferReads };
    } finally {
      Object.defineProperty(readers, 'read', kept);
    }
  }, asked);
}

describe('the Hub in Chromium', () => {
  it('follows the redirect to another origin, reads into shared memory, and keeps the token', async () => {
    const { sha256, ownBufferReads, code } = await readInPage('lab/gated', token);
    expect(code).toBeUndefined();
    expect(sha256).toBe(wanted);
    expect(ownBufferReads).toBeGreaterThan(1);
    const atHub = hub.requests.filter(({ at, method }) => at === 'hub' && method === 'GET');
    expect(atHub.every(({ headers }) => headers.authorization === `Bearer ${token}`)).toBe(true);
    const elsewhere = hub.requests.filter(({ at }) => at === 'cdn');
    expect(elsewhere.some(({ method }) => method === 'GET')).toBe(true);
    expect(JSON.stringify(elsewhere)).not.toContain(token);
    expect(hub.requests.every(({ headers }) => headers.referer === undefined)).toBe(true);
  });

  it('says what to accept of a gated model', async () => {
    const { code, shown } = await readInPage('lab/gated');
    expect(code).toBe('hub/gated');
    expect(shown).toContain(`${hub.url}/lab/gated`);
  });

  const passing: readonly [string, FaultAction, number][] = [
    ['a connection dropped on the way', { kind: 'drop', afterBytes: 2_000_000 }, 2],
    ['a body that ends early', { kind: 'truncate', afterBytes: 700_000 }, 1],
    ['a transfer that stands still', { kind: 'stall', afterBytes: 500_000 }, 1],
    ['too small a Content-Length', { kind: 'wrong-length', extraBytes: -400_000 }, 1],
    ['too large a Content-Length', { kind: 'wrong-length', extraBytes: 50 }, 1],
    ['status 503', { kind: 'status', status: 503 }, 2],
    ['no ranges', { kind: 'no-ranges' }, Infinity],
    ['compression in between, where it is allowed', { kind: 'gzip' }, Infinity],
  ];
  it.each(passing)('gets the right bytes through %s', async (_name, action, times) => {
    hub.setFaults([{ at: action.kind === 'gzip' ? 'hub' : 'cdn', match: /^GET/, action, times }]);
    expect(await readInPage('lab/open')).toMatchObject({ sha256: wanted });
  });

  it.each([
    ['no permission for pages', { at: 'cdn', action: { kind: 'no-cors' } }, 'hub/unavailable'],
    // Chromium takes no compressed part; the Hub's own servers send none.
    [
      'compressed parts',
      { at: 'cdn', match: /^GET/, action: { kind: 'gzip', isAlways: true } },
      'hub/unavailable',
    ],
    ['a redirect loop', { match: /resolve/, action: { kind: 'redirect-loop' } }, 'hub/unavailable'],
  ] as const)('ends with one coded error after %s', async (_name, fault, code) => {
    hub.setFaults([fault]);
    expect(await readInPage('lab/open')).toMatchObject({ code });
  });
});

describe('uploading from Chromium', () => {
  it('pushes a model, large files to the other origin without the token', async () => {
    const pushed = await page.evaluate(
      async ({ endpoint, token }) => {
        const { memoryFiles, pushModel } = (window as unknown as { readonly hub: typeof HubPage })
          .hub;
        const bytes = new Uint8Array(5_000_000).map((_, index) => (index * 7) & 0xff);
        const contents = new Map<string, Uint8Array | string>([
          ['README.md', '# merged'],
          ['model.safetensors', bytes],
        ]);
        let last = 0;
        const { commit } = await pushModel(memoryFiles('merged', contents), {
          endpoint,
          token,
          repo: 'ada/merged',
          onProgress: ({ stage, done, total }) => {
            if (stage === 'Uploading') last = done / total;
          },
        });
        return { commit, last };
      },
      { endpoint: hub.url, token },
    );
    const repo = hub.repos.get('ada/merged');
    expect(pushed).toEqual({ commit: repo?.commitOf('main'), last: 1 });
    const content = repo?.filesAt(pushed.commit).get('model.safetensors');
    expect(content?.sizeBytes).toBe(5_000_000);
    const elsewhere = hub.requests.filter(({ at }) => at === 'cdn');
    expect(elsewhere.filter(({ method }) => method === 'PUT')).toHaveLength(2);
    expect(JSON.stringify(elsewhere)).not.toContain(token);
  });
});
