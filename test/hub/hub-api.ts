import { createHash } from 'node:crypto';
import { HubSignIn } from './oauth';
import { readBody, refuse, sendJson } from './replies';
import type { HubRepo } from './repos';
import { sendContent } from './send-content';
import type { Exchange, HubUser } from './server';
import type { HubUploads } from './uploads';

const treePageLength = 50;

/** What the Hub's own origin answers. */
export class HubApi {
  readonly #repos: Map<string, HubRepo>;
  readonly #users: readonly HubUser[];
  readonly #cdnUrl: string;
  readonly #uploads: HubUploads;
  readonly #signIn: HubSignIn;

  constructor(options: {
    readonly repos: Map<string, HubRepo>;
    readonly users: readonly HubUser[];
    readonly cdnUrl: string;
    readonly uploads: HubUploads;
  }) {
    this.#repos = options.repos;
    this.#users = options.users;
    this.#cdnUrl = options.cdnUrl;
    this.#uploads = options.uploads;
    this.#signIn = new HubSignIn(options.users);
  }

  async answer(exchange: Exchange): Promise<void> {
    const { request, response, url } = exchange;
    const path = decodeURIComponent(url.pathname);
    const authorization = request.headers.authorization;
    const user = this.#users.find(({ token }) => authorization === `Bearer ${token}`);
    if (path.startsWith('/oauth/') || path.startsWith('/.well-known/')) {
      return this.#signIn.answer(exchange);
    }
    if (authorization !== undefined && user === undefined) {
      refuse(response, 401, undefined, 'Invalid credentials in Authorization header');
      return;
    }
    if (path === '/api/whoami-v2') {
      if (user === undefined) refuse(response, 401, undefined, 'Invalid username or password.');
      else sendJson(response, { type: 'user', name: user.name, auth: { type: 'access_token' } });
      return;
    }
    if (path === '/api/models') return this.#search(exchange);
    const write = this.#uploads.writeFor(request.method ?? 'GET', path);
    if (write !== undefined) {
      if (user === undefined) refuse(response, 401, undefined, 'Invalid username or password.');
      else await write(exchange, await readBody(request), this.#repos, this.#cdnUrl);
      return;
    }
    const [, id, rest = ''] = /^(?:\/api\/models)?\/([^/]+\/[^/]+)(\/.*)?$/.exec(path) ?? [];
    const repo = this.#repos.get(id ?? '');
    if (repo === undefined || (repo.isPrivate && user === undefined)) {
      // As the Hub: who has not signed in may not tell a private repository from none.
      const status = user === undefined ? 401 : 404;
      refuse(response, status, 'RepoNotFound', 'Repository not found');
      return;
    }
    if (path.startsWith('/api/models/')) return this.#describe(exchange, repo, rest);
    return this.#resolve(exchange, repo, rest, user);
  }

  async #search({ response, url }: Exchange): Promise<void> {
    const words = (url.searchParams.get('search') ?? '').toLowerCase();
    const limit = Number(url.searchParams.get('limit') ?? '1000');
    const found = [...this.#repos.values()].filter(
      ({ id, isPrivate }) => !isPrivate && id.toLowerCase().includes(words),
    );
    const results = found.slice(0, limit).map((repo) => ({
      _id: createHash('sha1').update(repo.id).digest('hex').slice(0, 24),
      id: repo.id,
      modelId: repo.id,
      private: repo.isPrivate,
      gated: repo.gated,
      downloads: 7,
      likes: 3,
      pipeline_tag: 'text-generation',
      tags: tagsOf(repo),
      safetensors: { parameters: { BF16: 1000 }, total: 1000 },
      lastModified: '2026-01-02T03:04:05.000Z',
    }));
    sendJson(response, results);
    return Promise.resolve();
  }

  async #describe(
    { request, response, url, fault }: Exchange,
    repo: HubRepo,
    rest: string,
  ): Promise<void> {
    const [, tree = ''] = /^\/tree\/(.+)$/.exec(rest) ?? [];
    const [, revision = tree === '' ? 'main' : tree] = /^\/revision\/(.+)$/.exec(rest) ?? [];
    const commit = repo.commitOf(revision);
    if (commit === undefined) {
      refuse(response, 404, 'RevisionNotFound', `Invalid rev id: ${revision}`);
      return;
    }
    const listed = await repo.list(commit);
    if (tree !== '') {
      const begin = Number(url.searchParams.get('cursor') ?? '0');
      const end = begin + treePageLength;
      if (end < listed.length) {
        const next = new URL(url);
        next.searchParams.set('cursor', String(end));
        response.setHeader('Link', `<${next.href}>; rel="next"`);
      }
      const entries = listed.slice(begin, end).map(({ path, content, gitOid, sha256 }) => ({
        type: 'file',
        oid: gitOid,
        size: content.sizeBytes,
        path,
        ...(sha256 === undefined
          ? {}
          : { lfs: { oid: sha256, size: content.sizeBytes, pointerSize: 135 } }),
      }));
      sendJson(response, entries, { request, fault });
      return;
    }
    const withBlobs = url.searchParams.get('blobs') === 'true';
    const siblings = listed.map(({ path, content: { sizeBytes: size }, gitOid, sha256 }) => {
      if (!withBlobs) return { rfilename: path };
      const lfs = sha256 === undefined ? {} : { lfs: { sha256, size, pointerSize: 135 } };
      return { rfilename: path, size, blobId: gitOid, ...lfs };
    });
    const body = {
      id: repo.id,
      modelId: repo.id,
      sha: commit,
      private: repo.isPrivate,
      gated: repo.gated,
      disabled: false,
      downloads: 7,
      likes: 3,
      tags: tagsOf(repo),
      cardData: repo.licence === undefined ? {} : { license: repo.licence },
      siblings,
      safetensors: { parameters: { BF16: 1000 }, total: 1000 },
      lastModified: '2026-01-02T03:04:05.000Z',
    };
    sendJson(response, body, { request, fault });
  }

  async #resolve(
    { request, response, fault }: Exchange,
    repo: HubRepo,
    rest: string,
    user: HubUser | undefined,
  ): Promise<void> {
    const [, revision = '', path = ''] = /^\/resolve\/([^/]+)\/(.+)$/.exec(rest) ?? [];
    const commit = repo.commitOf(revision);
    if (commit === undefined) {
      refuse(response, 404, 'RevisionNotFound', `Invalid rev id: ${revision}`);
      return;
    }
    response.setHeader('X-Repo-Commit', commit);
    if (repo.gated !== false && user?.accepted?.includes(repo.id) !== true) {
      refuse(response, user === undefined ? 401 : 403, 'GatedRepo', 'Access is restricted.');
      return;
    }
    const content = repo.filesAt(commit).get(path);
    if (content === undefined) {
      refuse(response, 404, 'EntryNotFound', 'Entry not found');
      return;
    }
    const { sha256, gitOid } = await repo.describe(path, content);
    if (sha256 === undefined) return sendContent(request, response, content, gitOid, fault);
    this.#uploads.offer(sha256, content);
    const until = Math.floor(Date.now() / 1000) + 3600;
    response
      .writeHead(302, {
        'X-Linked-ETag': `"${sha256}"`,
        'X-Linked-Size': content.sizeBytes,
        'Accept-Ranges': 'bytes',
        Location: `${this.#cdnUrl}/blobs/${sha256}?Expires=${until}&Signature=signed-for-one-reader`,
      })
      .end();
  }
}

function tagsOf(repo: HubRepo): string[] {
  const licence = repo.licence === undefined ? [] : [`license:${repo.licence}`];
  return ['safetensors', 'text-generation', ...repo.tags, ...licence];
}
