/** What goes wrong with a request. */
export type FaultAction =
  /** The connection is cut after so many bytes of the body. */
  | { readonly kind: 'drop'; readonly afterBytes: number }
  /** The body ends as if it were whole, without a length that would tell. */
  | { readonly kind: 'truncate'; readonly afterBytes: number }
  /** The connection stays open, but nothing more comes. */
  | { readonly kind: 'stall'; readonly afterBytes: number }
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'slow'; readonly bytesPerSecond: number }
  /** `Content-Length` says so much more (or less, when negative) than comes. */
  | { readonly kind: 'wrong-length'; readonly extraBytes: number }
  /** One bit of the body is another. */
  | { readonly kind: 'wrong-bytes' }
  /** `Content-Range` names another part than was asked for. */
  | { readonly kind: 'wrong-range' }
  /** A range is answered by the whole file and status 200. */
  | { readonly kind: 'no-ranges' }
  /** Something in between compresses the body where the request allows it, or against its word. */
  | { readonly kind: 'gzip'; readonly isAlways?: boolean }
  /** The address leads to itself. */
  | { readonly kind: 'redirect-loop' }
  | { readonly kind: 'etag'; readonly etag: string }
  /** The headers that let pages of other origins read the answer are missing. */
  | { readonly kind: 'no-cors' };

/** Which requests go wrong, and how. The first fault that fits is taken. */
export interface Fault {
  readonly action: FaultAction;
  /** Tested against `GET /path?query`; every request by default. */
  readonly match?: RegExp;
  /** Only at the Hub's own port, or only at the other origin that it redirects to. */
  readonly at?: 'hub' | 'cdn';
  /** So many fitting requests go well first. */
  readonly after?: number;
  /** So many go wrong then; all of them by default. */
  readonly times?: number;
}

/** Counts requests against faults. */
export class FaultList {
  readonly #counted: { readonly fault: Fault; count: number }[];

  constructor(faults: readonly Fault[]) {
    this.#counted = faults.map((fault) => ({ fault, count: 0 }));
  }

  take(at: 'hub' | 'cdn', request: string): FaultAction | undefined {
    for (const counted of this.#counted) {
      const { fault } = counted;
      const { after = 0, times = Infinity } = fault;
      if (fault.at !== undefined && fault.at !== at) continue;
      if (fault.match !== undefined && !fault.match.test(request)) continue;
      counted.count += 1;
      if (counted.count > after && counted.count <= after + times) return fault.action;
    }
    return undefined;
  }
}
