import * as v from 'valibot';
import type { LabError } from '../../core/errors';
import type { LongTask } from '../../core/progress';
import { parseJsonObject } from '../../formats/bounded-json';
import { shownBytes } from '../../formats/text';
import type { Fetch } from '../fetch-bytes';
import {
  checkEndpoint,
  checkRepoId,
  checkRevision,
  describeUrl,
  modelPage,
  publicHub,
} from './addresses';
import { ask, type HubSettings } from './hub-connection';
import { hubModel, type HubModel } from './hub-model';
import {
  completeListing,
  type HubFileEntry,
  type HubListing,
  type HubSearchResult,
} from './listing';
import { patiently, waitFor } from './patience';
import { unavailable, type HubPlace } from './problems';
import {
  badListing,
  maxFileCount,
  maxListingBytes,
  readListing,
  readSearchResults,
  readTreePage,
} from './read-listing';

const defaultStallMs = 45_000;
const maxTreePages = 400;
const maxQueryCharacters = 200;
const maxSearchLimit = 100;

export interface HubClientOptions {
  /** `https:`, or `http:` on this machine; the public Hub by default. */
  readonly endpoint?: string | undefined;
  /** Asked before every request to the Hub itself; never sent to another origin, shown or kept. */
  readonly token?: (() => string | undefined) | undefined;
  readonly fetch?: Fetch | undefined;
  readonly wait?: ((ms: number, signal?: AbortSignal) => Promise<void>) | undefined;
  readonly random01?: (() => number) | undefined;
  /** A transfer that brings nothing for so long is given up and tried again. */
  readonly stallMs?: number | undefined;
  /** Hears of the size of every piece of a file that arrives. */
  readonly onBytes?: ((count: number) => void) | undefined;
}

/** Who a token belongs to. */
export interface HubAccount {
  readonly name: string;
}

/** Models on a Hugging Face Hub, or on a server that speaks as it does. */
export class HubClient {
  readonly endpoint: string;
  readonly #settings: HubSettings;

  /** @throws LabError `hub/bad-name` for an endpoint that must not get a token */
  constructor(options: HubClientOptions = {}) {
    this.endpoint = checkEndpoint(options.endpoint ?? publicHub);
    this.#settings = {
      endpoint: this.endpoint,
      token: options.token ?? (() => undefined),
      fetch: options.fetch ?? (async (url, init) => fetch(url, init)),
      wait: options.wait ?? waitFor,
      random01: options.random01 ?? Math.random,
      stallMs: options.stallMs ?? defaultStallMs,
      onBytes: options.onBytes ?? (() => undefined),
    };
  }

  /**
   * A model at the commit that `revision` stands for now. Reads only its description.
   * @throws LabError `hub/…`, `format/bad-index`
   */
  async open(
    repo: string,
    revision = 'main',
    task: Pick<LongTask, 'signal'> = {},
  ): Promise<HubModel> {
    return hubModel(this.#settings, await this.describe(repo, revision, task.signal));
  }

  /**
   * What the Hub says of a model: files with sizes and hashes, licence, gate. Also of gated models,
   * to anybody. One request, or more where the Hub gives its list of files by pages.
   * @throws LabError `hub/…`, `format/bad-index`
   */
  async describe(repo: string, revision = 'main', signal?: AbortSignal): Promise<HubListing> {
    const place = { endpoint: this.endpoint, repo: checkRepoId(repo) };
    const url = describeUrl(this.endpoint, repo, checkRevision(revision));
    const { bytes } = await this.#get(place, url, signal);
    const listing = readListing(bytes, place, revision, modelPage(this.endpoint, repo));
    return completeListing(
      listing,
      listing.files ?? (await this.#listTree(place, listing.commit, signal)),
    );
  }

  /**
   * Models with safetensors weights whose names fit, most downloaded first.
   * @throws LabError `hub/…`, `format/bad-index`
   */
  async search(
    query: string,
    options: { readonly limit?: number } = {},
    signal?: AbortSignal,
  ): Promise<HubSearchResult[]> {
    const limit = Math.max(1, Math.min(maxSearchLimit, options.limit ?? 20));
    const asked = new URLSearchParams({
      search: query.slice(0, maxQueryCharacters),
      limit: String(limit),
      filter: 'safetensors',
      sort: 'downloads',
    });
    for (const field of ['gated', 'downloads', 'likes', 'tags', 'safetensors']) {
      asked.append('expand', field);
    }
    const place = { endpoint: this.endpoint, repo: 'the search' };
    const { bytes } = await this.#get(place, `${this.endpoint}/api/models?${asked}`, signal);
    return readSearchResults(bytes).slice(0, limit);
  }

  /**
   * The owner of the token; undefined without a token.
   * @throws LabError `hub/gated` when the Hub does not take the token
   */
  async whoAmI(signal?: AbortSignal): Promise<HubAccount | undefined> {
    if ((this.#settings.token() ?? '') === '') return undefined;
    const place = { endpoint: this.endpoint, repo: 'the account' };
    const { bytes } = await this.#get(place, `${this.endpoint}/api/whoami-v2`, signal);
    const limits = { maxSizeBytes: maxListingBytes, maxDepth: 20 };
    const raw = parseJsonObject(bytes, "The Hub's account", 'format/bad-index', limits);
    const { output, success } = v.safeParse(v.object({ name: v.string() }), raw);
    return success ? output : undefined;
  }

  async #listTree(
    place: HubPlace,
    commit: string,
    signal: AbortSignal | undefined,
  ): Promise<HubFileEntry[]> {
    const files: HubFileEntry[] = [];
    let url: string | undefined =
      `${this.endpoint}/api/models/${place.repo}/tree/${commit}?recursive=true`;
    for (let page = 0; url !== undefined && page < maxTreePages; page++) {
      const { bytes, headers } = await this.#get(place, url, signal);
      files.push(...readTreePage(bytes, place));
      if (files.length > maxFileCount) throw badListing(place.repo, 'has too many files');
      url = this.#nextPage(headers);
    }
    return files;
  }

  /** The next page that the Hub names, unless it lies elsewhere: the token goes with the request. */
  #nextPage(headers: Headers): string | undefined {
    const [, next] = /<([^>]+)>\s*;\s*rel="next"/.exec(headers.get('Link') ?? '') ?? [];
    if (next === undefined || !URL.canParse(next, this.endpoint)) return undefined;
    const url = new URL(next, this.endpoint);
    return url.origin === new URL(this.endpoint).origin ? url.href : undefined;
  }

  async #get(
    place: HubPlace,
    url: string,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly bytes: Uint8Array; readonly headers: Headers }> {
    return patiently(this.#settings, signal, async () =>
      ask(this.#settings, place, url, { signal }, async ({ response, touch }) => {
        const pieces: Uint8Array[] = [];
        let sizeBytes = 0;
        for (const reader = response.body?.getReader(); reader !== undefined;) {
          const { done, value } = await reader.read();
          if (done) break;
          touch();
          sizeBytes += value.byteLength;
          if (sizeBytes > maxListingBytes) throw tooLarge(place);
          pieces.push(value);
        }
        const bytes = new Uint8Array(sizeBytes);
        let offset = 0;
        for (const piece of pieces) {
          bytes.set(piece, offset);
          offset += piece.byteLength;
        }
        return { bytes, headers: response.headers };
      }),
    );
  }
}

function tooLarge(place: HubPlace): LabError {
  return unavailable(place, `has a description above ${shownBytes(maxListingBytes)}`);
}
