import { createHash } from 'node:crypto';
import { bytesContent, type HubContent } from './content';
import { readBody, refuse, sendJson } from './replies';
import { HubRepo, isLargeFile } from './repos';
import { sendContent } from './send-content';
import type { Exchange } from './server';

/** Above this a file is asked for in parts. */
const partBytes = 4 << 20;

type Write = (
  exchange: Exchange,
  body: Buffer,
  repos: Map<string, HubRepo>,
  cdnUrl: string,
) => Promise<void>;

interface LfsObject {
  readonly oid: string;
  readonly size: number;
}

type CommitLine =
  | { readonly key: 'header'; readonly value: { readonly summary: string } }
  | { readonly key: 'file'; readonly value: { readonly path: string; readonly content: string } }
  | { readonly key: 'lfsFile'; readonly value: { readonly path: string; readonly oid: string } }
  | { readonly key: 'deletedFile'; readonly value: { readonly path: string } };

/** Large files by their hashes, at the other origin, and the requests that add to repositories. */
export class HubUploads {
  readonly #blobs = new Map<string, HubContent>();
  /** By hash, then by number of the part. */
  readonly #parts = new Map<string, Map<number, Buffer>>();

  /** Lets the other origin serve a file. */
  offer(sha256: string, content: HubContent): void {
    this.#blobs.set(sha256, content);
  }

  writeFor(method: string, path: string): Write | undefined {
    if (method !== 'POST') return undefined;
    if (path === '/api/repos/create') return this.#create;
    const [, lfsRepo] = /^\/([^/]+\/[^/]+)\.git\/info\/lfs\/objects\/batch$/.exec(path) ?? [];
    if (lfsRepo !== undefined) return this.#batch;
    const [, id = '', verb, branch = ''] =
      /^\/api\/models\/([^/]+\/[^/]+)\/(preupload|commit)\/(.+)$/.exec(path) ?? [];
    if (verb === 'preupload') return this.#preupload;
    if (verb !== 'commit') return undefined;
    return async (exchange, body, repos) => this.#commit(exchange, body, repos.get(id), branch);
  }

  async answerCdn(exchange: Exchange): Promise<void> {
    const { request, response, url, fault } = exchange;
    const [, kind, sha256 = '', part] = url.pathname.split('/');
    if (kind === 'uploads') {
      await this.#receive(exchange, sha256, part);
      return;
    }
    const content = kind === 'blobs' ? this.#blobs.get(sha256) : undefined;
    const isSigned = url.searchParams.get('Signature') === 'signed-for-one-reader';
    const isLate = Number(url.searchParams.get('Expires')) < Date.now() / 1000;
    if (content === undefined) refuse(response, 404, undefined, 'No such blob');
    else if (!isSigned || isLate) refuse(response, 403, undefined, 'Request has expired');
    else await sendContent(request, response, content, sha256, fault);
  }

  readonly #create: Write = async ({ response, url }, body, repos) => {
    const asked = JSON.parse(body.toString()) as {
      readonly name: string;
      readonly organization: string;
      readonly visibility?: string;
      readonly private?: boolean;
    };
    const repo = `${asked.organization}/${asked.name}`;
    if (repos.has(repo)) {
      refuse(response, 409, undefined, 'You already created this model repo');
      return Promise.resolve();
    }
    const isPrivate = asked.visibility === 'private' || asked.private === true;
    repos.set(repo, new HubRepo({ repo, files: new Map(), isPrivate }));
    sendJson(response, { url: `${url.origin}/${repo}`, id: repo });
    return Promise.resolve();
  };

  readonly #preupload: Write = async ({ response }, body) => {
    const { files } = JSON.parse(body.toString()) as {
      readonly files: readonly { readonly path: string; readonly size: number }[];
    };
    const modes = files.map(({ path, size }) => ({
      path,
      uploadMode: isLargeFile(path, size) ? 'lfs' : 'regular',
    }));
    sendJson(response, { files: modes });
    return Promise.resolve();
  };

  readonly #batch: Write = async ({ response }, body, _repos, cdnUrl) => {
    const { objects } = JSON.parse(body.toString()) as { readonly objects: readonly LfsObject[] };
    const listed = objects.map(({ oid, size }) => {
      if (this.#blobs.has(oid)) return { oid, size };
      const href = `${cdnUrl}/uploads/${oid}`;
      if (size <= partBytes) return { oid, size, actions: { upload: { href } } };
      const header: Record<string, string> = { chunk_size: String(partBytes) };
      for (let part = 1; (part - 1) * partBytes < size; part++) {
        header[String(part).padStart(5, '0')] = `${href}/${part}`;
      }
      return { oid, size, actions: { upload: { href: `${href}/complete`, header } } };
    });
    sendJson(response, { transfer: 'basic', objects: listed });
    return Promise.resolve();
  };

  async #receive(exchange: Exchange, sha256: string, part: string | undefined): Promise<void> {
    const { request, response } = exchange;
    const body = await readBody(request);
    const parts = this.#parts.get(sha256) ?? new Map<number, Buffer>();
    this.#parts.set(sha256, parts);
    if (part !== 'complete') {
      parts.set(Number(part ?? '1'), body);
      response.setHeader('ETag', `"${createHash('md5').update(body).digest('hex')}"`);
      if (part !== undefined) {
        response.writeHead(200).end();
        return;
      }
    }
    const numbers = [...parts.keys()].sort((left, right) => left - right);
    const whole = Buffer.concat(numbers.map((number) => parts.get(number) ?? Buffer.alloc(0)));
    if (createHash('sha256').update(whole).digest('hex') !== sha256) {
      refuse(response, 400, undefined, 'The bytes do not have the promised hash');
      return;
    }
    this.#blobs.set(sha256, { ...bytesContent(whole), sha256 });
    response.writeHead(200).end();
  }

  async #commit(
    { response, url }: Exchange,
    body: Buffer,
    repo: HubRepo | undefined,
    branch: string,
  ): Promise<void> {
    if (repo === undefined) {
      refuse(response, 404, 'RepoNotFound', 'Repository not found');
      return Promise.resolve();
    }
    const files = new Map(repo.filesAt(repo.commitOf(branch) ?? ''));
    for (const line of body.toString().split('\n')) {
      const { key, value } = JSON.parse(line) as CommitLine;
      if (key === 'file') files.set(value.path, bytesContent(Buffer.from(value.content, 'base64')));
      else if (key === 'deletedFile') files.delete(value.path);
      else if (key === 'lfsFile') {
        const content = this.#blobs.get(value.oid);
        if (content === undefined) {
          refuse(response, 400, undefined, `The object ${value.oid} was never uploaded`);
          return Promise.resolve();
        }
        files.set(value.path, content);
      }
    }
    const commitOid = repo.commit(branch, files);
    sendJson(response, {
      success: true,
      commitOid,
      commitUrl: `${url.origin}/${repo.id}/commit/${commitOid}`,
      hookOutput: '',
    });
    return Promise.resolve();
  }
}
