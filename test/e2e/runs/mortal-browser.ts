import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { chromium, type Browser, type Page } from 'playwright';
import { chromiumPath } from '../../../tools/chromium';
import type { RunPage } from './page';

/** A Chromium with a profile that survives it, so that it can be killed like a tab that crashes. */
export class MortalBrowser {
  readonly page: Page;
  readonly #browser: Browser;
  readonly #process: ChildProcess;

  private constructor(page: Page, browser: Browser, process: ChildProcess) {
    this.page = page;
    this.#browser = browser;
    this.#process = process;
  }

  /** @param hasWebGpu by emulation: slow and correct */
  static async start(
    profile: string,
    address: string,
    { hasWebGpu = false }: { readonly hasWebGpu?: boolean } = {},
  ): Promise<MortalBrowser> {
    const gpuFlags = hasWebGpu
      ? ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader']
      : [];
    const child = spawn(
      chromiumPath(),
      [
        '--headless=new',
        '--no-sandbox',
        '--no-first-run',
        '--disable-background-networking',
        '--remote-debugging-port=0',
        `--user-data-dir=${profile}`,
        ...gpuFlags,
      ],
      // A group of its own: the browser's processes die together.
      { stdio: ['ignore', 'ignore', 'pipe'], detached: true },
    );
    const endpoint = await endpointOf(child);
    const browser = await chromium.connectOverCDP(endpoint);
    const [context] = browser.contexts();
    if (context === undefined) throw new Error('The browser has no profile');
    const page = await context.newPage();
    await page.goto(address);
    await page.waitForFunction(() => 'runPage' in globalThis);
    return new MortalBrowser(page, browser, child);
  }

  /** Calls the page. */
  async ask<T, Given>(work: (page: RunPage, given: Given) => Promise<T>, given: Given): Promise<T> {
    const handle = await this.page.evaluateHandle(
      () => (globalThis as unknown as { runPage: RunPage }).runPage,
    );
    return handle.evaluate(work as (page: RunPage, given: unknown) => Promise<T>, given);
  }

  /** Crashes the GPU process: every device is lost. */
  async crashGpu(): Promise<void> {
    const session = await this.#browser.newBrowserCDPSession();
    await session.send('Browser.crashGpuProcess');
  }

  /** Ends everything at once, as a power cut would. */
  async kill(): Promise<void> {
    const { pid } = this.#process;
    const ended = new Promise<void>((resolve) => {
      this.#process.once('exit', () => {
        resolve();
      });
    });
    if (pid === undefined || this.#process.exitCode !== null) return;
    process.kill(-pid, 'SIGKILL');
    await ended;
    await this.#browser.close().catch(() => undefined);
  }
}

async function endpointOf(child: ChildProcess): Promise<string> {
  if (child.stderr === null) throw new Error('The browser tells nothing');
  for await (const line of createInterface({ input: child.stderr })) {
    const endpoint = /DevTools listening on (ws:\S+)/.exec(line)?.[1];
    if (endpoint === undefined) continue;
    // What follows is not read; it must not fill the pipe.
    child.stderr.resume();
    return endpoint;
  }
  throw new Error('The browser did not start');
}
