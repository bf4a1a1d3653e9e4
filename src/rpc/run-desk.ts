import { LabError } from '../core/errors';
import type { LongTask } from '../core/progress';
import type {
  BackendId,
  PlacedModel,
  RunRequest,
  RunSummary,
  RunTarget,
} from '../workers/lab-types';
import { sentTarget, type ExportTarget } from '../workers/export-target';
import type { RunCatalogue } from '../workers/run-catalogue';
import type { HubAccess } from '../workers/opened-place';
import { RunChannel, type RunMessage } from '../workers/run-channel';
import { runLockName } from '../workers/run-lock';
import type { RunLive } from '../workers/run-meter';
import type { Service } from './connect';
import { OwnRun, type Ask } from './own-run';
import { WakeLock } from './wake-lock';

export interface RunDeskSetting {
  readonly catalogue: () => Service<RunCatalogue>;
  readonly zooUrl: string;
  /** What the person chose to compute on, if they did. */
  readonly backend: () => BackendId | undefined;
  readonly hub: () => HubAccess;
}

type Watcher = (runs: readonly RunSummary[]) => void;

/**
 * The page's side of runs: one worker lists them, and each that this page carries out has a worker of
 * its own, ended with the run. Tabs hear of each other's runs over a channel.
 */
export class RunDesk {
  readonly #setting: RunDeskSetting;
  readonly #own = new Map<string, OwnRun>();
  /** What whoever works on a run is asked for, until they have stopped. */
  readonly #asking = new Map<string, Ask>();
  readonly #live = new Map<string, RunLive>();
  readonly #watchers = new Set<Watcher>();
  readonly #wakeLock = new WakeLock();
  readonly #channel = new RunChannel((message) => {
    this.#hear(message);
  });
  #known: readonly RunSummary[] = [];
  /** Counts lists asked for: an older one that comes late is not shown. */
  #listCount = 0;

  constructor(setting: RunDeskSetting) {
    this.#setting = setting;
  }

  async runs(): Promise<readonly RunSummary[]> {
    const runs = await this.#setting.catalogue().list([...this.#own.keys()]);
    return runs.map((run) => withLive(run, this.#live.get(run.id)));
  }

  async watch(onChange: Watcher, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#watchers.add(onChange);
    signal.addEventListener('abort', () => this.#watchers.delete(onChange), { once: true });
    this.#known = await this.runs();
    // Told to this one whatever becomes of lists that others asked for.
    onChange(this.#known);
  }

  async start(request: RunRequest): Promise<string> {
    const id = crypto.randomUUID();
    // Known as ours before anybody hears of it: nobody shall take it for an interrupted one.
    const visiting = request.models.filter(({ place }) => place.kind === 'folder');
    await this.#begin(id, visiting, async (catalogue) => catalogue.add(id, request));
    return id;
  }

  /** Call it from a click: folders on disk may need the person's permission again. */
  async resume(id: string): Promise<void> {
    if (this.#own.has(id)) return;
    await askForAll(await this.#setting.catalogue().requestOf(id));
    // A second click may have been faster.
    if (this.#own.has(id)) return;
    await this.#begin(id, [], async (catalogue) => catalogue.setIdle(id, 'waiting'));
  }

  /**
   * Call it from a click, as `resume`.
   * @param to where it goes this time; as before unless given
   */
  async repeat(id: string, to?: RunTarget): Promise<string> {
    const before = await this.#setting.catalogue().requestOf(id);
    const request = { ...before, to: to ?? before.to };
    await askForAll(request);
    return this.start(request);
  }

  async pause(id: string): Promise<void> {
    await this.#stop(id, 'pause');
  }

  async cancel(id: string): Promise<void> {
    if (!(await this.#isAtWork(id))) await this.#askToDrop(id);
    await this.#stop(id, 'cancel');
  }

  async rename(id: string, title: string): Promise<void> {
    await this.#setting.catalogue().rename(id, title);
    await this.#tell();
  }

  async remove(id: string): Promise<void> {
    await this.cancel(id);
    await this.#setting.catalogue().remove(id);
    await this.#tell();
  }

  async exportTo(
    id: string,
    target: ExportTarget,
    { onProgress, signal }: LongTask,
  ): Promise<void> {
    await this.#setting.catalogue().exportTo(id, sentTarget(target), onProgress, signal);
  }

  /** Ends the workers: runs of this page are interrupted and can be resumed. */
  close(): void {
    for (const run of this.#own.values()) run.close();
    this.#own.clear();
  }

  /** @param note writes down that the run begins, or goes on */
  async #begin(
    id: string,
    visiting: readonly PlacedModel[],
    note: (catalogue: Service<RunCatalogue>) => Promise<void>,
  ): Promise<void> {
    const own = new OwnRun();
    this.#own.set(id, own);
    try {
      await note(this.#setting.catalogue());
    } catch (error) {
      this.#own.delete(id);
      own.close();
      throw error;
    }
    void this.#work(id, own, visiting);
  }

  async #work(id: string, own: OwnRun, visiting: readonly PlacedModel[]): Promise<void> {
    this.#wakeLock.hold(id);
    const { zooUrl, hub, backend } = this.#setting;
    const working = own.work({ id, zooUrl, hub: hub(), backend: backend(), visiting });
    void this.#tell();
    await working;
    this.#own.delete(id);
    this.#live.delete(id);
    this.#wakeLock.release(id);
    await this.#tell();
  }

  /**
   * Asks whoever works on a run to stop, here or in another tab, and waits until they have. Then writes
   * it down, for they may have died, or not have begun: one who begins now finds it.
   */
  async #stop(id: string, ask: Ask): Promise<void> {
    await this.#own.get(id)?.stop(ask);
    this.#asking.set(id, ask);
    this.#channel.tell({ kind: 'ask', id, ask });
    try {
      await this.#setting.catalogue().stopped(id, ask === 'pause' ? 'paused' : 'cancelled');
    } finally {
      this.#asking.delete(id);
    }
    await this.#tell();
  }

  async #isAtWork(id: string): Promise<boolean> {
    const { held = [] } = await navigator.locks.query();
    return this.#own.has(id) || held.some(({ name }) => name === runLockName(id));
  }

  /** What a run wrote to the disk on an earlier visit is deleted only with the person's word. */
  async #askToDrop(id: string): Promise<void> {
    const { to } = await this.#setting.catalogue().requestOf(id);
    if (typeof to === 'string') return;
    try {
      await askFor(to, 'readwrite');
    } catch {
      // Then it stays there, and the person knows why.
    }
  }

  #hear(message: RunMessage): void {
    if (message.kind === 'changed') {
      // One who takes a run's lock in the moment of an ask may not have listened yet; now they do.
      for (const [id, ask] of this.#asking) this.#channel.tell({ kind: 'ask', id, ask });
      void this.#tell();
    }
    if (message.kind !== 'live') return;
    this.#live.set(message.id, message.live);
    this.#show(this.#known.map((run) => withLive(run, this.#live.get(run.id))));
  }

  /** Lists anew and shows it to all who watch. */
  async #tell(): Promise<void> {
    if (this.#watchers.size === 0) return;
    const count = ++this.#listCount;
    try {
      const runs = await this.runs();
      if (count === this.#listCount) this.#show(runs);
    } catch {
      // The desk was closed meanwhile, or its worker died: the next change lists anew.
    }
  }

  #show(runs: readonly RunSummary[]): void {
    this.#known = runs;
    for (const watcher of this.#watchers) watcher(runs);
  }
}

/** Only a run at work has news. */
function withLive(run: RunSummary, live: RunLive | undefined): RunSummary {
  return live === undefined || run.state !== 'running' ? run : { ...run, ...live };
}

/** Not in the DOM library of TypeScript: Chromium's File System Access. */
interface PermissionHandle extends FileSystemHandle {
  queryPermission?(options: { mode: 'read' | 'readwrite' }): Promise<PermissionState>;
  requestPermission?(options: { mode: 'read' | 'readwrite' }): Promise<PermissionState>;
}

/** Folders on disk open again only with the person's word. */
async function askForAll({ models, to }: RunRequest): Promise<void> {
  for (const { place } of models) {
    if (place.kind === 'handle') await askFor(place.handle, 'read');
  }
  if (typeof to !== 'string') await askFor(to, 'readwrite');
}

async function askFor(handle: PermissionHandle, mode: 'read' | 'readwrite'): Promise<void> {
  if ((await handle.queryPermission?.({ mode })) === 'granted') return;
  // Some browsers forget the click while they ask, and refuse to ask once more: another click helps.
  const answer = await handle.requestPermission?.({ mode }).catch(() => 'denied');
  if (answer === 'granted') return;
  throw new LabError(
    'run/unavailable',
    `The run needs ${mode === 'read' ? 'to read' : 'to write to'} “${handle.name}”, which this browser does not allow now; resume it again and allow it.`,
    { details: { folder: handle.name } },
  );
}
