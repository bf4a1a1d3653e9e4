import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { chromium, errors, type Browser, type Page } from 'playwright';
import { chromiumPath } from '../../../tools/chromium';
import { workerThreadsBelow } from '../../../tools/bench/scale/browser-watch';
import type { RunPage } from './page';

const connectTimeoutMs = 10_000;

interface MortalOptions {
  /** By emulation: slow and correct. */
  readonly hasWebGpu?: boolean;
  /** A command, with its parameters, that starts the browser in its own place. */
  readonly launcher?: readonly string[];
}

/** A page with nothing but runs. */
export class RunTab {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  /** Calls the page. */
  async ask<T, Given>(work: (page: RunPage, given: Given) => Promise<T>, given: Given): Promise<T> {
    const handle = await this.page.evaluateHandle(
      () => (globalThis as unknown as { runPage: RunPage }).runPage,
    );
    return handle.evaluate(work as (page: RunPage, given: unknown) => Promise<T>, given);
  }
}

/** A Chromium with a profile that survives it, so that it can be killed like a tab that crashes. */
export class MortalBrowser extends RunTab {
  readonly #browser: Browser;
  readonly #process: ChildProcess;

  private constructor(page: Page, browser: Browser, process: ChildProcess) {
    super(page);
    this.#browser = browser;
    this.#process = process;
  }

  static async start(
    profile: string,
    address: string,
    options: MortalOptions = {},
  ): Promise<MortalBrowser> {
    try {
      return await MortalBrowser.#launch(profile, address, options);
    } catch (error) {
      // Chromium 156 sometimes takes a connection on a new profile and never answers.
      if (!(error instanceof errors.TimeoutError)) throw error;
      return MortalBrowser.#launch(profile, address, options);
    }
  }

  static async #launch(
    profile: string,
    address: string,
    { hasWebGpu = false, launcher = [] }: MortalOptions,
  ): Promise<MortalBrowser> {
    const gpuFlags = hasWebGpu
      ? ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader']
      : [];
    const [command, ...parameters] = [...launcher, chromiumPath()];
    const child = spawn(
      command,
      [
        ...parameters,
        '--headless=new',
        '--no-sandbox',
        '--no-first-run',
        '--disable-background-networking',
        // Else it takes 4 MB for a spare file when a minute is over: all that a full disk has left.
        '--disable-features=PersistentHistograms',
        '--remote-debugging-port=0',
        `--user-data-dir=${profile}`,
        ...gpuFlags,
      ],
      // A group of its own: the browser's processes die together.
      { stdio: ['ignore', 'ignore', 'pipe'], detached: true },
    );
    try {
      const endpoint = await endpointOf(child);
      const browser = await chromium.connectOverCDP(endpoint, { timeout: connectTimeoutMs });
      return new MortalBrowser(await openPage(browser, address), browser, child);
    } catch (error) {
      await killGroup(child);
      throw error;
    }
  }

  /** Another tab of the same browser. */
  async openTab(address: string): Promise<RunTab> {
    return new RunTab(await openPage(this.#browser, address));
  }

  /** Threads of workers, those of ended workers included that are not freed. Needs `/proc`. */
  get workerThreadCount(): number {
    return workerThreadsBelow(this.#process.pid ?? 0);
  }

  /** Crashes the GPU process: every device is lost. */
  async crashGpu(): Promise<void> {
    const session = await this.#browser.newBrowserCDPSession();
    await session.send('Browser.crashGpuProcess');
  }

  /** Ends everything at once, as a power cut would. */
  async kill(): Promise<void> {
    await killGroup(this.#process);
    await this.#browser.close().catch(() => undefined);
  }
}

/** Kills a process with all that it started, unless it has ended. */
async function killGroup(child: ChildProcess): Promise<void> {
  const { pid, exitCode, signalCode } = child;
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  process.kill(-pid, 'SIGKILL');
  await ended;
}

async function openPage(browser: Browser, address: string): Promise<Page> {
  const [context] = browser.contexts();
  if (context === undefined) throw new Error('The browser has no profile');
  const page = await context.newPage();
  await page.goto(address);
  await page.waitForFunction(() => 'runPage' in globalThis);
  return page;
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
