import type { Allocate } from '../../formats/checkpoint-reader';
import { shownBytes } from '../../formats/text';
import { fileUrl, isTrusted } from './addresses';
import { ask, type HubSettings } from './hub-connection';
import { Patience, Setback } from './patience';
import { changed, unavailable, type HubPlace } from './problems';
import { readBody } from './read-body';

/** Signed addresses of the Hub's stores live for an hour; ours are asked anew well before. */
const directLifeMs = 10 * 60_000;
/** A server that sends only whole files is read past so many bytes, no more. */
export const maxSkippedBytes = 64 << 20;
/** After so many, every range is asked of the Hub itself. */
const maxRefusals = 3;

/** One file at one commit, and what is known about where its bytes lie. */
export class RemoteFile {
  readonly place: HubPlace & { readonly path: string };
  readonly sizeBytes: number;
  readonly #settings: HubSettings;
  readonly #url: string;
  readonly #commit: string;
  /** Where the Hub sent the last request: going there at once spares the Hub one request a range. */
  #direct: { readonly url: string; readonly untilMs: number } | undefined;
  /** Addresses that were refused before their time: some servers sign for one request only. */
  #refusalCount = 0;
  #etag: string | undefined;

  constructor(
    settings: HubSettings,
    place: HubPlace & { readonly path: string },
    commit: string,
    sizeBytes: number,
  ) {
    this.place = place;
    this.sizeBytes = sizeBytes;
    this.#settings = settings;
    this.#commit = commit;
    this.#url = fileUrl(place.endpoint, place.repo, commit, place.path);
  }

  /**
   * Bytes [offsetBytes, offsetBytes + lengthBytes), which must lie in the file. A transfer that
   * breaks off goes on where it broke off.
   * @throws LabError `hub/…`
   */
  async read(
    offsetBytes: number,
    lengthBytes: number,
    signal: AbortSignal | undefined,
    allocate: Allocate,
  ): Promise<Uint8Array> {
    const bytes = allocate(lengthBytes);
    const patience = new Patience(this.#settings);
    let filledBytes = 0;
    while (filledBytes < lengthBytes) {
      const rest = bytes.subarray(filledBytes);
      const begin = offsetBytes + filledBytes;
      const onFilled = (count: number): void => {
        filledBytes += count;
        this.#settings.onBytes(count);
        patience.progressed();
      };
      try {
        await this.#fill(rest, begin, signal, onFilled);
      } catch (cause) {
        if (!(cause instanceof Setback)) throw cause;
        if (filledBytes < lengthBytes) await patience.endure(cause, signal);
      }
    }
    return bytes;
  }

  /** Fills `room` by one request. @throws Setback when it ends early */
  async #fill(
    room: Uint8Array,
    offsetBytes: number,
    signal: AbortSignal | undefined,
    onFilled: (count: number) => void,
  ): Promise<void> {
    const direct = this.#freshDirect();
    const last = offsetBytes + room.byteLength - 1;
    const options = { headers: { Range: `bytes=${offsetBytes}-${last}` }, signal };
    try {
      await ask(this.#settings, this.place, direct ?? this.#url, options, async (answer) => {
        const skippedBytes = this.#checkAnswer(answer.response, offsetBytes, last);
        this.#remember(answer.response);
        await readBody(answer, { room, skippedBytes, place: this.place, onFilled });
      });
    } catch (cause) {
      this.#direct = undefined;
      if (direct === undefined || !(cause instanceof Setback && cause.isRefusal)) throw cause;
      this.#refusalCount += 1;
      throw new Setback(cause.error, { isHarmless: true });
    }
  }

  #freshDirect(): string | undefined {
    return this.#direct !== undefined && Date.now() < this.#direct.untilMs
      ? this.#direct.url
      : undefined;
  }

  #remember(response: Response): void {
    if (!response.redirected || response.url === '') return;
    if (this.#refusalCount >= maxRefusals) return;
    const url = new URL(response.url);
    if (url.origin === new URL(this.#settings.endpoint).origin || !isTrusted(url)) return;
    this.#direct = { url: url.href, untilMs: Date.now() + directLifeMs };
  }

  /** How many bytes of the body come before those that were asked for. */
  #checkAnswer(response: Response, offsetBytes: number, last: number): number {
    this.#checkVersion(response);
    if (response.status === 206) {
      // Absent where the other origin does not let pages read it; the count of bytes still tells.
      const stated = response.headers.get('Content-Range');
      if (stated === null) return 0;
      const [, begin, end, total] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(stated.trim()) ?? [];
      if (total !== undefined && total !== '*' && Number(total) !== this.sizeBytes) {
        throw changed(this.place, `now has ${shownBytes(Number(total))}`);
      }
      if (Number(begin) === offsetBytes && Number(end) <= last) return 0;
      throw new Setback(
        unavailable(this.place, 'was answered with another part than was asked for', {
          details: { contentRange: stated.slice(0, 100) },
        }),
      );
    }
    const stated = response.headers.get('Content-Length');
    const isEncoded = response.headers.get('Content-Encoding') !== null;
    if (stated !== null && !isEncoded && Number(stated) < last + 1) {
      throw new Setback(
        unavailable(
          this.place,
          `was answered with ${shownBytes(Number(stated))} instead of all of it`,
        ),
      );
    }
    if (offsetBytes <= maxSkippedBytes) return offsetBytes;
    throw unavailable(
      this.place,
      `is sent only as a whole by this server, and its part after ${shownBytes(maxSkippedBytes)} is needed`,
      { details: { offsetBytes, maxSkippedBytes } },
    );
  }

  #checkVersion({ headers }: Response): void {
    const commit = headers.get('X-Repo-Commit');
    if (commit !== null && /^[0-9a-f]{40}$/.test(commit) && commit !== this.#commit) {
      throw changed(this.place, `was answered from the commit ${commit.slice(0, 10)}`);
    }
    // Compression in between weakens a tag or adds to it, but names the same file.
    const etag = headers
      .get('ETag')
      ?.replace(/^W\//, '')
      .replace(/-gzip"$/, '"');
    if (etag === undefined) return;
    this.#etag ??= etag;
    if (etag !== this.#etag) throw changed(this.place, 'has another ETag than before');
  }
}
