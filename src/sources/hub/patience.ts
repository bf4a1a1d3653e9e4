import type { LabError } from '../../core/errors';

const firstWaitMs = 500;
const longestWaitMs = 30_000;
/** A server that asks for more than this is answered by an error that says when to come back. */
const longestAskedWaitMs = 5 * 60_000;
const maxFruitlessAttempts = 6;
/** Also counts attempts that brought some bytes: a server that sends one byte at a time must end. */
const maxAttempts = 40;

/** A failure that may pass: worth another attempt, else `error` is what the person reads. */
export class Setback extends Error {
  readonly error: LabError;
  /** How long the server asks to wait. */
  readonly retryAfterMs: number | undefined;
  /** Nothing was wrong with the server, so the next attempt need not wait. */
  readonly isHarmless: boolean;
  /** A server besides the Hub refused: its address may have expired. */
  readonly isRefusal: boolean;

  constructor(
    error: LabError,
    options: {
      readonly retryAfterMs?: number | undefined;
      readonly isHarmless?: boolean;
      readonly isRefusal?: boolean;
    } = {},
  ) {
    super(error.message);
    this.error = error;
    this.retryAfterMs = options.retryAfterMs;
    this.isHarmless = options.isHarmless ?? false;
    this.isRefusal = options.isRefusal ?? false;
  }
}

/** Clock and chance, so that tests need neither wait nor luck. */
export interface Waiting {
  readonly wait: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Uniform in [0, 1). */
  readonly random01: () => number;
}

/**
 * How long one operation goes on trying: exponential back-off with full jitter (a wait uniform between
 * 0 and the cap, so that many readers do not come back at once), and never before the server's
 * `Retry-After`.
 */
export class Patience {
  readonly #waiting: Waiting;
  #fruitlessCount = 0;
  #attemptCount = 0;

  constructor(waiting: Waiting) {
    this.#waiting = waiting;
  }

  /** Bytes came: the next failures count anew. */
  progressed(): void {
    this.#fruitlessCount = 0;
  }

  /**
   * Waits until the next attempt is due.
   * @throws LabError the setback's own error when patience has ended
   */
  async endure(setback: Setback, signal?: AbortSignal): Promise<void> {
    this.#attemptCount += 1;
    this.#fruitlessCount += 1;
    const { retryAfterMs = 0 } = setback;
    const isSpent =
      this.#fruitlessCount >= maxFruitlessAttempts ||
      this.#attemptCount >= maxAttempts ||
      retryAfterMs > longestAskedWaitMs;
    if (isSpent) throw setback.error;
    if (setback.isHarmless) return;
    const capMs = Math.min(longestWaitMs, firstWaitMs * 2 ** this.#fruitlessCount);
    const jitterMs = capMs * this.#waiting.random01();
    // Whoever was told the same second must not come back in the same millisecond.
    const waitMs = retryAfterMs > 0 ? retryAfterMs + jitterMs / 4 : jitterMs;
    await this.#waiting.wait(waitMs, signal);
  }
}

/**
 * Goes on until `attempt` succeeds, fails for good, or patience ends. Without a network it ends with
 * the first failure: whoever asks has something stored to fall back on, or a person before it.
 */
export async function patiently<T>(
  waiting: Waiting,
  signal: AbortSignal | undefined,
  attempt: () => Promise<T>,
): Promise<T> {
  const patience = new Patience(waiting);
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (cause) {
      if (!(cause instanceof Setback)) throw cause;
      if (isOffline()) throw cause.error;
      await patience.endure(cause, signal);
    }
  }
}

/** Whether the browser knows that there is no network; Node knows nothing of it. */
function isOffline(): boolean {
  return typeof navigator !== 'undefined' && 'onLine' in navigator && !navigator.onLine;
}

/**
 * How long the server asks to wait, in milliseconds from now: `Retry-After` in seconds or as a date,
 * or else the seconds left in the window of `RateLimit` (`"api";r=0;t=42`, as the public Hub writes
 * it). Undefined when it says neither.
 */
export function readRetryAfter(headers: Headers, nowMs = Date.now()): number | undefined {
  const text = headers.get('Retry-After')?.trim() ?? '';
  if (text === '') {
    const [, left] = /;\s*t=(\d{1,9})\b/.exec(headers.get('RateLimit') ?? '') ?? [];
    return left === undefined ? undefined : Number(left) * 1000;
  }
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const dateMs = Date.parse(text);
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs);
}

/** Resolves after `ms`, or rejects with the signal's reason. */
export async function waitFor(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
