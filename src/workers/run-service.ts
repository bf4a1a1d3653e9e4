import { isAbort, LabError, sentenceOf } from '../core/errors';
import { memoryShares } from '../engine/memory-shares';
import type { BackendId } from '../expr/backend';
import type { HashThread } from '../formats/hash-thread';
import { sha256Stream, type CreateHash } from '../formats/hashes';
import { LabStore } from '../store/lab-store';
import { Asked } from './asked';
import { carryOutRun } from './carry-out-run';
import { decideKeeping } from './decide-keeping';
import { downloadMaker } from './download-maker';
import { dropOutput } from './drop-output';
import type { HubAccess } from './opened-place';
import { PlaceOpener } from './place-opener';
import { RunChannel } from './run-channel';
import { RunMeter, type RunLive } from './run-meter';
import { withRunLock } from './run-lock';
import { startHashThread } from './start-hash-thread';
import { notBegun, RunRecords, type RunEntry, type RunProgress } from './run-records';
import type { PlacedModel, RunState, RunSummary } from './run-types';

/** Held by the one run that computes; others wait for it, also those of other tabs. */
const turnLockName = 'mergelab-run-turn';
/** How often the record says how far a run is; what counts after a crash are the chunks. */
const noteIntervalMs = 2000;

export interface RunStart {
  readonly id: string;
  readonly zooUrl: string;
  readonly hub: HubAccess;
  readonly backend: BackendId | undefined;
  /** Places with the files that a record cannot keep. */
  readonly visiting: readonly PlacedModel[];
}

/** How a run at work and everybody else reach each other. */
interface RunLines {
  /** Aborts with an `Asked`. */
  readonly asked: AbortSignal;
  readonly channel: RunChannel;
  readonly downloads: MessagePort;
}

/** Carries out one run; lives in a worker of its own, which is ended afterwards. */
export class RunService {
  readonly #store = new LabStore();
  readonly #records = new RunRecords(this.#store);
  /** Aborts with an `Asked`. */
  readonly #asked = new AbortController();

  /**
   * Works on a run until it is done, paused, cancelled or failed; what became of it is in its record.
   * @param downloads the way into a download of the browser, for a run that writes into one
   * @throws LabError `run/unavailable` when there is no such run, or another tab works on it
   */
  async work(start: RunStart, downloads: MessagePort): Promise<void> {
    const channel = new RunChannel((message) => {
      if (message.kind === 'ask' && message.id === start.id) this.stop(message.ask);
    });
    try {
      await withRunLock(start.id, async () => {
        const entry = await this.#records.entry(start.id);
        if (entry === undefined) throw noSuchRun();
        const lines = { asked: this.#asked.signal, channel, downloads };
        await this.#workLocked(withVisiting(entry, start.visiting), start, lines);
      });
      // Told once more, for now the lock is free.
      channel.tell({ kind: 'changed' });
    } finally {
      channel.close();
    }
  }

  /** Asks for the end of `work`, begun or not; the first word counts. */
  stop(ask: Asked['ask']): void {
    this.#asked.abort(new Asked(ask));
  }

  async #workLocked(
    entry: RunEntry,
    start: RunStart,
    { asked, channel, downloads }: RunLines,
  ): Promise<void> {
    const before = (await this.#records.progress(entry.id)) ?? notBegun;
    // Somebody paused or cancelled it before its worker was there to be asked.
    if (before.state !== 'waiting') return;
    const note = async (state: RunState, more: Partial<RunProgress> = {}): Promise<void> => {
      const { doneBytes, totalBytes, elapsedMs } = meter?.live ?? before;
      await this.#records.putProgress(entry.id, {
        state,
        doneBytes,
        totalBytes,
        elapsedMs,
        ...more,
      });
      channel.tell({ kind: 'changed' });
    };
    let meter: RunMeter | undefined;
    let notice: string | undefined;
    let hashing: HashThread | undefined;
    const createHash: CreateHash = (state) => {
      hashing ??= startHashThread();
      return hashing?.open(state) ?? sha256Stream(state);
    };
    let notedMs = performance.now();
    const tell = (live: RunLive): void => {
      channel.tell({ kind: 'live', id: entry.id, live });
      if (performance.now() - notedMs < noteIntervalMs) return;
      notedMs = performance.now();
      void this.#records.putProgress(entry.id, { state: 'running', ...countsOf(live) });
    };
    try {
      await note('waiting');
      await navigator.locks.request(turnLockName, { signal: asked }, async () => {
        meter = new RunMeter(before.elapsedMs, tell);
        await note('running');
        await carryOutRun(entry, {
          store: this.#store,
          opener: await this.#openerFor(entry, start, createHash, asked),
          createHash,
          meter,
          backend: start.backend,
          signal: asked,
          openDownload: (facts) => downloadMaker(downloads, facts),
          onUnproven: (names) => {
            notice = unprovenNotice(names);
          },
          onPlaced: async (placed) => this.#records.keepPlaces(entry.id, placed),
        });
      });
      await note('done', notice === undefined ? {} : { notice });
    } catch (error) {
      if (asked.aborted && isStop(error, asked)) {
        await this.#stop(entry, asked.reason as Asked, note);
      } else await note('failed', { error: shown(error) });
    } finally {
      hashing?.end();
      await this.#store.close();
    }
  }

  /** Fetched weights are kept where that was asked for, or where they fit. */
  async #openerFor(
    { request }: RunEntry,
    { zooUrl, hub }: RunStart,
    createHash: CreateHash,
    signal: AbortSignal,
  ): Promise<PlaceOpener> {
    const setting = { store: this.#store, zooUrl, hub, createHash };
    const caching = await decideKeeping(request, setting, signal);
    const modelCount = request.models.length;
    const { readingBytes } = memoryShares(request.budgetBytes, { modelCount });
    return new PlaceOpener({ ...setting, caching, modelCount, memoryBytes: readingBytes });
  }

  async #stop(
    entry: RunEntry,
    { ask }: Asked,
    note: (state: RunState, more?: Partial<RunProgress>) => Promise<void>,
  ): Promise<void> {
    if (ask === 'pause') {
      await note('paused');
      return;
    }
    await dropOutput(entry, this.#store);
    await note('cancelled', { doneBytes: 0 });
  }
}

function isStop(error: unknown, signal: AbortSignal): boolean {
  return error === signal.reason || isAbort(error);
}

function countsOf({ doneBytes, totalBytes, elapsedMs }: RunLive): Omit<RunProgress, 'state'> {
  return { doneBytes, totalBytes, elapsedMs };
}

function shown(error: unknown): NonNullable<RunSummary['error']> {
  const code = error instanceof LabError ? error.code : 'unknown';
  return { code, sentence: sentenceOf(error) };
}

/** The record's places, those of this visit with their files. */
function withVisiting(entry: RunEntry, visiting: readonly PlacedModel[]): RunEntry {
  const here = new Map(visiting.map((model) => [model.id, model]));
  const models = entry.request.models.map((model) => here.get(model.id) ?? model);
  return { ...entry, request: { ...entry.request, models } };
}

function unprovenNotice(names: readonly string[]): string {
  return `Not checked against their SHA-256, because they were not stored and were read in quite another order, or on visits of which too little is known: ${names.join(', ')}. To have them checked, run again with the models kept.`;
}

function noSuchRun(): LabError {
  return new LabError('run/unavailable', 'This run was deleted; start a new one.');
}
