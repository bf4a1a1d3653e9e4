import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { chromiumPath } from '../../chromium';

/** One line of Chromium's debugging protocol. */
interface Answer {
  readonly id?: number;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

interface Waiting {
  readonly resolve: (result: Record<string, unknown>) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A Chromium that is asked a few things over its debugging pipe. A test driver would also listen to the
 * network of pages and workers, for which Chromium keeps a copy of every answer and writes it in
 * base64: that took half the processor time of a run's worker.
 */
export class BareBrowser {
  readonly #process: ChildProcess;
  readonly #commands: Writable;
  readonly #waiting = new Map<number, Waiting>();
  #commandCount = 0;

  /** @param profile an empty folder */
  constructor(profile: string) {
    this.#process = spawn(
      chromiumPath(),
      [
        '--headless=new',
        '--no-sandbox',
        '--no-first-run',
        '--disable-background-networking',
        `--user-data-dir=${profile}`,
        '--remote-debugging-pipe',
      ],
      { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] },
    );
    const [, , , commands, answers] = this.#process.stdio;
    this.#commands = commands as Writable;
    let text = '';
    (answers as Readable).setEncoding('utf8').on('data', (more: string) => {
      const lines = (text + more).split('\0');
      text = lines.pop() ?? '';
      for (const line of lines) this.#hear(JSON.parse(line) as Answer);
    });
    this.#process.on('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('The browser ended'));
    });
  }

  /** Opens a page. */
  async open(address: string): Promise<BarePage> {
    const { targetId } = await this.send('Target.createTarget', { url: address });
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
    return new BarePage(this, String(sessionId));
  }

  /** @throws Error when the browser refuses or has ended */
  async send(
    method: string,
    params: Record<string, unknown> = {},
    sessionId?: string,
  ): Promise<Record<string, unknown>> {
    this.#commandCount += 1;
    const id = this.#commandCount;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#commands.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#process.once('close', resolve));
    if (this.#process.exitCode !== null) return;
    await Promise.all([closed, this.send('Browser.close').catch(() => undefined)]);
  }

  #hear({ id, result, error }: Answer): void {
    const waiting = this.#waiting.get(id ?? 0);
    if (id === undefined || waiting === undefined) return;
    this.#waiting.delete(id);
    if (error === undefined) waiting.resolve(result ?? {});
    else waiting.reject(new Error(error.message));
  }
}

/** What `Runtime.evaluate` found. */
interface Evaluated {
  readonly result?: { readonly value?: unknown; readonly objectId?: string };
  readonly exceptionDetails?: {
    readonly text: string;
    readonly exception?: { readonly description?: string };
  };
}

/** A page of a `BareBrowser`. */
export class BarePage {
  readonly #browser: BareBrowser;
  readonly #sessionId: string;

  constructor(browser: BareBrowser, sessionId: string) {
    this.#browser = browser;
    this.#sessionId = sessionId;
  }

  /**
   * The value of an expression, awaited.
   * @throws Error when it throws
   */
  async evaluate(expression: string): Promise<unknown> {
    return (await this.#evaluate(expression, true)).result?.value;
  }

  /** Waits until an expression is true; a page that is being loaded knows none. */
  async waitFor(expression: string): Promise<void> {
    while ((await this.evaluate(expression).catch(() => false)) !== true) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Puts a folder into the file input that a selector finds, and waits until its files are there. */
  async pickFolder(selector: string, path: string): Promise<void> {
    const input = `document.querySelector(${JSON.stringify(selector)})`;
    const { result } = await this.#evaluate(input, false);
    const filled = this.evaluate(
      `new Promise((resolve) => { ${input}.addEventListener('input', resolve, { once: true }); }).then(() => null)`,
    );
    const folder = { objectId: result?.objectId, files: [path] };
    await Promise.all([
      filled,
      this.#browser.send('DOM.setFileInputFiles', folder, this.#sessionId),
    ]);
  }

  async #evaluate(expression: string, returnByValue: boolean): Promise<Evaluated> {
    const asked = { expression, returnByValue, awaitPromise: true };
    const found: Evaluated = await this.#browser.send('Runtime.evaluate', asked, this.#sessionId);
    const { exceptionDetails: thrown } = found;
    if (thrown !== undefined) throw new Error(thrown.exception?.description ?? thrown.text);
    return found;
  }
}
