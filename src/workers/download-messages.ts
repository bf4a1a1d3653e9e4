// What a run that writes into a download, the page and the service worker tell each other. Types only:
// the service worker is one file, and must not share code with the page's.

/** What the browser is told of a download. */
export interface DownloadFacts {
  readonly name: string;
  readonly sizeBytes: number;
}

/** From who makes the bytes. */
export type MakerMessage =
  | ({ readonly kind: 'begin' } & DownloadFacts)
  | { readonly kind: 'bytes'; readonly bytes: ArrayBuffer }
  | { readonly kind: 'end' }
  /** Told every few seconds: who is silent has gone with its page. */
  | { readonly kind: 'alive' }
  /** The download shall not become a file; also from a page that leaves. */
  | { readonly kind: 'fail' };

/** From who hands them to the browser. */
export type TakerMessage =
  /** It wants one piece more. */
  | { readonly kind: 'pull' }
  /** It has all of them. */
  | { readonly kind: 'ended' }
  /** The person ended the download, or it could not begin. */
  | { readonly kind: 'cancelled' };

/** From the page to its service worker, with two ports: of who makes the bytes, and the page's own. */
export interface DownloadRequest extends DownloadFacts {
  readonly type: 'download';
  /** The address at which the browser will ask for it. */
  readonly url: string;
}
