import { Transferred } from '../core/transferred';
import type { Asked } from '../workers/asked';
import type { RunService, RunStart } from '../workers/run-service';
import { connect, type Connection } from './connect';
import { DownloadRelay } from './download-relay';

/**
 * Chromium 156 never frees a worker, with all its memory, that is ended while workers of its own are
 * ending: of thirty that ended two threads at last ten stayed; 150 ms later, none.
 */
const farewellMs = 500;

/** What a person may ask of a run that is at work. */
export type Ask = Asked['ask'];

/** A run that this page carries out: from before its worker is started until after it has ended. */
export class OwnRun {
  readonly #ended: Promise<void>;
  #end: () => void = () => undefined;
  #connection: Connection<RunService> | undefined;
  #ask: Ask | undefined;

  constructor() {
    this.#ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Works on the run in a worker of its own; what becomes of it is told by its record. */
  async work(start: RunStart): Promise<void> {
    const worker = new Worker(new URL('../../workers/run.worker.ts', import.meta.url), {
      type: 'module',
      name: `run ${start.id}`,
    });
    const connection = connect<RunService>(worker, 'run', () => undefined);
    this.#connection = connection;
    const download = new DownloadRelay();
    const working = connection.service.work(start, new Transferred(download.port, [download.port]));
    if (this.#ask !== undefined) this.#pass(connection, this.#ask);
    try {
      await working;
    } catch {
      // A worker that died leaves a run that shows as interrupted.
    } finally {
      this.#end();
      download.close();
      setTimeout(() => {
        connection.close();
      }, farewellMs);
    }
  }

  /** Asks the worker, as soon as there is one, to stop; settles when the run has ended. */
  async stop(ask: Ask): Promise<void> {
    if (this.#connection === undefined) this.#ask = ask;
    else this.#pass(this.#connection, ask);
    await this.#ended;
  }

  /** Ends the worker, if there is one. */
  close(): void {
    this.#connection?.close();
    this.#end();
  }

  /** The worker hears of it after `work`, however long it takes to start. */
  #pass({ service }: Connection<RunService>, ask: Ask): void {
    // A worker that ends instead has ended the run as well.
    service.stop(ask).catch(() => undefined);
  }
}
