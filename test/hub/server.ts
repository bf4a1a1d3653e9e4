import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FaultList, type Fault, type FaultAction } from './faults';
import { HubApi } from './hub-api';
import { HubRepo, type HubTestModel } from './repos';
import { HubUploads } from './uploads';

/** Someone with a token. */
export interface HubUser {
  readonly name: string;
  /** The Hub's own client wants tokens that begin with `hf_`. */
  readonly token: string;
  /** Gated models whose terms were accepted. */
  readonly accepted?: readonly string[];
}

/** What arrived, in order. */
export interface SeenRequest {
  readonly at: 'hub' | 'cdn';
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
}

export interface HubServerOptions {
  readonly models?: readonly HubTestModel[];
  readonly users?: readonly HubUser[];
  readonly faults?: readonly Fault[];
  /** 0, the default, takes a free port. */
  readonly port?: number;
}

/** A running Hub. */
export interface HubServer {
  readonly url: string;
  /** The other origin, where large files lie. */
  readonly cdnUrl: string;
  readonly requests: readonly SeenRequest[];
  /** How many connections were opened to both origins. */
  readonly connectionCount: () => number;
  /** By id; uploads add to it. */
  readonly repos: ReadonlyMap<string, HubRepo>;
  setFaults(faults: readonly Fault[]): void;
  forgetRequests(): void;
  close(): Promise<void>;
}

/** What the handlers of one request need. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Path and query, with the server's own origin. */
  readonly url: URL;
  readonly fault: FaultAction | undefined;
}

const exposedHeaders =
  'X-Repo-Commit,X-Request-Id,X-Error-Code,X-Error-Message,X-Total-Count,ETag,Link,Accept-Ranges,Content-Range,X-Linked-Size,X-Linked-ETag';

/**
 * A server on loopback that speaks as much of the Hugging Face Hub's HTTP as this project uses: the
 * listing, resolving with redirects to another origin, search, accounts, sign-in and upload. Faults
 * come on demand.
 */
export async function startHubServer(options: HubServerOptions = {}): Promise<HubServer> {
  const repos = new Map((options.models ?? []).map((model) => [model.repo, new HubRepo(model)]));
  const requests: SeenRequest[] = [];
  let connectionCount = 0;
  let faults = new FaultList(options.faults ?? []);
  const listen = async (
    at: 'hub' | 'cdn',
    port: number,
    handle: (exchange: Exchange) => Promise<void>,
  ): Promise<{ server: Server; url: string }> => {
    const server = createServer((request, response) => {
      const { method = 'GET', url: path = '/', headers } = request;
      requests.push({ at, method, path, headers });
      const fault = faults.take(at, `${method} ${path}`);
      if (fault?.kind !== 'no-cors') allowOrigins(request, response);
      const url = new URL(path, `http://${headers.host ?? 'localhost'}`);
      answer({ request, response, url, fault }, handle);
    });
    server.on('connection', () => {
      connectionCount += 1;
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  };
  const uploads = new HubUploads();
  const cdn = await listen('cdn', 0, async (exchange) => uploads.answerCdn(exchange));
  const api = new HubApi({ repos, users: options.users ?? [], cdnUrl: cdn.url, uploads });
  const hub = await listen('hub', options.port ?? 0, async (exchange) => api.answer(exchange));
  return {
    url: hub.url,
    cdnUrl: cdn.url,
    requests,
    connectionCount: () => connectionCount,
    repos,
    setFaults: (next) => {
      faults = new FaultList(next);
    },
    forgetRequests: () => {
      requests.length = 0;
    },
    close: async () => {
      await Promise.all(
        [hub.server, cdn.server].map(async (server) => {
          server.closeAllConnections();
          await new Promise((resolve) => server.close(resolve));
        }),
      );
    },
  };
}

/** As the Hub does: any page may read, and a signed-in one may send its token. */
function allowOrigins(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('Access-Control-Allow-Origin', request.headers.origin ?? '*');
  response.setHeader('Vary', 'Origin');
  response.setHeader('Access-Control-Expose-Headers', exposedHeaders);
}

function answer(exchange: Exchange, handle: (exchange: Exchange) => Promise<void>): void {
  const { request, response, url, fault } = exchange;
  if (fault?.kind === 'status') {
    request.resume();
    response.writeHead(fault.status, { ...fault.headers }).end();
    return;
  }
  if (fault?.kind === 'redirect-loop') {
    response.writeHead(302, { Location: url.pathname + url.search }).end();
    return;
  }
  if (request.method === 'OPTIONS') {
    response
      .writeHead(204, {
        'Access-Control-Allow-Methods': 'GET, HEAD, POST, PUT',
        'Access-Control-Allow-Headers': 'Authorization, Content-Type, Range, X-Request-Id',
        'Access-Control-Max-Age': '60',
      })
      .end();
    return;
  }
  handle(exchange).catch((cause: unknown) => {
    if (response.headersSent) response.destroy();
    else response.writeHead(500).end(String(cause));
  });
}
