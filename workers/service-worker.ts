// Keeps the page usable without a network, and isolates it on hosts that send no headers.
// It caches what was used, and the parts of the page that were not used yet; no runtime in advance.
// Weights are not its business: the store keeps them, or they stream through as a download that a run
// makes.
import type { DownloadRequest } from '../src/workers/download-messages';
import { downloadResponse } from '../src/workers/download-taker';

/** The part of ServiceWorkerGlobalScope used here; TypeScript's own types clash with the page's. */
interface ServiceWorkerScope {
  readonly location: Location;
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(type: 'install' | 'activate', on: (event: LastingEvent) => void): void;
  addEventListener(type: 'message', on: (event: LastingEvent & MessageEvent) => void): void;
  addEventListener(type: 'fetch', on: (event: FetchEvent) => void): void;
}
interface LastingEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface FetchEvent extends LastingEvent {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}

const scope = self as unknown as ServiceWorkerScope;
/** Replaced at build time by a hash over the build's file names. */
declare const __BUILD_HASH__: string;
/** Replaced at build time by the scripts and styles of the build, relative to this worker. */
declare const __BUILD_PARTS__: readonly string[];

const cachePrefix = 'mergelab-';
const cacheName = `${cachePrefix}${__BUILD_HASH__}`;

/** What the page asks to keep: addresses it loaded before this worker controlled it. */
interface KeepMessage {
  readonly type: 'keep';
  readonly urls: readonly string[];
  /** Also what the page loads only when it is asked for, about a megabyte. */
  readonly withParts: boolean;
}

scope.addEventListener('install', () => {
  void scope.skipWaiting();
});

scope.addEventListener('activate', (event) => {
  event.waitUntil(dropOldCaches().then(() => scope.clients.claim()));
});

scope.addEventListener('message', (event) => {
  const message = event.data as Partial<KeepMessage> | DownloadRequest | null;
  if (message?.type === 'keep' && Array.isArray(message.urls)) {
    const parts = message.withParts === true ? __BUILD_PARTS__ : [];
    event.waitUntil(keep([...message.urls.map(String), ...parts]));
  }
  const [port, page] = event.ports;
  if (message?.type === 'download' && port !== undefined && page !== undefined) {
    const { url, ...facts } = message;
    announce(url, isolated(downloadResponse(facts, port, page)));
  }
});

scope.addEventListener('fetch', (event) => {
  const { request } = event;
  if (isDownload(request.url)) event.respondWith(download(request.url));
  else if (request.method === 'GET' && isOurs(request.url)) event.respondWith(answer(request));
});

/** Longest wait for the page to say what an address is; a browser may ask again for one of long ago. */
const announceMs = 10_000;
/** Downloads by address: the page announces one and the browser asks for it, in either order. */
const announced = new Map<string, Response>();
const awaited = new Map<string, (response: Response) => void>();

function isDownload(address: string): boolean {
  return address.startsWith(new URL('downloads/', scope.location.href).href);
}

function announce(url: string, response: Response): void {
  const give = awaited.get(url);
  if (give === undefined) announced.set(url, response);
  else give(response);
}

async function download(url: string): Promise<Response> {
  const known = announced.get(url);
  announced.delete(url);
  if (known !== undefined) return known;
  const given = await new Promise<Response>((resolve) => {
    awaited.set(url, resolve);
    setTimeout(() => {
      resolve(new Response('This download is over; start it anew in MergeLab.', { status: 404 }));
    }, announceMs);
  });
  awaited.delete(url);
  return given;
}

function isOurs(address: string): boolean {
  const url = new URL(address);
  return url.origin === scope.location.origin;
}

/**
 * Weights lie in the store already, partial answers cannot be cached, and the address that a sign-in
 * comes back to holds a code that is nobody else's.
 */
function isKept(request: Request): boolean {
  const { pathname, searchParams } = new URL(request.url);
  return (
    !pathname.endsWith('.safetensors') && !searchParams.has('code') && !request.headers.has('Range')
  );
}

/** Build output carries a content hash in its name and never changes. */
function isImmutable(address: string): boolean {
  return new URL(address).pathname.includes('/assets/');
}

async function answer(request: Request): Promise<Response> {
  if (!isKept(request)) return isolated(await fetch(request));
  const cache = await openCache();
  const key = withoutFragment(request.url);
  if (isImmutable(request.url)) {
    const kept = await cache?.match(key);
    if (kept !== undefined) return isolated(kept);
  }
  try {
    const response = await fetch(request);
    if (response.status === 200) await put(cache, key, response.clone());
    return isolated(response);
  } catch (error) {
    const kept = await cache?.match(key);
    if (kept !== undefined) return isolated(kept);
    throw error;
  }
}

/** The same answer with the headers that cross-origin isolation needs. */
function isolated(response: Response): Response {
  if (response.type === 'opaque' || response.type === 'opaqueredirect') return response;
  const headers = new Headers(response.headers);
  headers.set('Cross-Origin-Opener-Policy', 'same-origin');
  headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
  headers.set('Cross-Origin-Resource-Policy', 'same-origin');
  const { status, statusText } = response;
  // A null-body status may not be given a body, not even an empty one.
  const body = status === 204 || status === 304 ? null : response.body;
  return new Response(body, { status, statusText, headers });
}

async function keep(addresses: readonly string[]): Promise<void> {
  const cache = await openCache();
  for (const address of addresses) {
    const key = withoutFragment(address);
    if (!isOurs(key) || !isKept(new Request(key))) continue;
    if ((await cache?.match(key)) !== undefined) continue;
    try {
      const response = await fetch(key, { priority: 'low' });
      if (response.status === 200) await put(cache, key, response);
    } catch {
      // Offline already: what is cached stays, the rest is asked for again next time.
    }
  }
}

/** Storage may be full or denied; then the page works online only. */
async function put(cache: Cache | undefined, key: string, response: Response): Promise<void> {
  try {
    await cache?.put(key, response);
  } catch {
    // Not cached; the answer itself is unharmed.
  }
}

async function openCache(): Promise<Cache | undefined> {
  try {
    return await caches.open(cacheName);
  } catch {
    return undefined;
  }
}

async function dropOldCaches(): Promise<void> {
  try {
    const names = await caches.keys();
    const old = names.filter((name) => name.startsWith(cachePrefix) && name !== cacheName);
    await Promise.all(old.map((name) => caches.delete(name)));
  } catch {
    // Storage is denied: there is nothing to drop.
  }
}

function withoutFragment(address: string): string {
  const url = new URL(address, scope.location.href);
  url.hash = '';
  return url.href;
}
