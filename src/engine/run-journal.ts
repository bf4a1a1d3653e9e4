import type { BackendId } from '../expr/backend';
import type { LabStore } from '../store/lab-store';
import type { OutputMemory } from './output-files';
import type { WholeModelNumbers } from './run-merge';

const journalKind = 'merge-journal';

/** Where a run was begun; it goes on only where these are the same. */
export interface RunIdentity {
  /** Names recipe, inputs and output: equal identities make equal bytes on equal back ends. */
  readonly identity: string;
  /** WebGPU may differ from the others in a last bit. */
  readonly backend: BackendId;
  /** As the model card states it. */
  readonly device: string;
}

/** How far a run's zip on disk is complete, and what tells the file from another of its name. */
export interface ArchiveMark {
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
}

interface JournalData extends RunIdentity {
  readonly measured: WholeModelNumbers | undefined;
  readonly hashes: ReadonlyMap<string, string>;
  /** Complete files, by path. */
  readonly closedPaths: readonly string[];
  readonly archive?: ArchiveMark;
}

/**
 * What a run writes down beside its output, so that it can go on after anything: who it is, what it
 * measured over whole models, and which files are complete. Bytes that count as written are those
 * that the store holds as whole chunks; the journal never claims any.
 *
 * Only the holder of the run's lock may have one.
 */
export class RunJournal implements OutputMemory {
  readonly #store: LabStore;
  readonly #runId: string;
  #data: JournalData;

  private constructor(store: LabStore, runId: string, data: JournalData) {
    this.#store = store;
    this.#runId = runId;
    this.#data = data;
  }

  /** Of a run that has begun; undefined for one that has not. */
  static async find(store: LabStore, runId: string): Promise<RunJournal | undefined> {
    const record = await store.runs.get(recordId(runId));
    // Only `#write` makes records of this id.
    return record && new RunJournal(store, runId, record.data as JournalData);
  }

  /** Begins a run: written before the first byte of its output. */
  static async begin(store: LabStore, runId: string, who: RunIdentity): Promise<RunJournal> {
    const empty = { measured: undefined, hashes: new Map(), closedPaths: [] };
    const journal = new RunJournal(store, runId, { ...who, ...empty });
    await journal.#write({});
    return journal;
  }

  static async remove(store: LabStore, runId: string): Promise<void> {
    await store.runs.remove(recordId(runId));
  }

  get who(): RunIdentity {
    return this.#data;
  }

  get measured(): WholeModelNumbers | undefined {
    return this.#data.measured;
  }

  get hashes(): ReadonlyMap<string, string> {
    return this.#data.hashes;
  }

  get closedPaths(): readonly string[] {
    return this.#data.closedPaths;
  }

  get archive(): ArchiveMark | undefined {
    return this.#data.archive;
  }

  async onMeasured(measured: WholeModelNumbers): Promise<void> {
    await this.#write({ measured });
  }

  async onHash(path: string, sha256: string): Promise<void> {
    await this.#write({ hashes: new Map([...this.#data.hashes, [path, sha256]]) });
  }

  /** A file is complete. */
  async onClosed(path: string): Promise<void> {
    await this.#write({ closedPaths: [...this.#data.closedPaths, path] });
  }

  /** The zip on disk has grown. */
  async onArchived(archive: ArchiveMark): Promise<void> {
    await this.#write({ archive });
  }

  async #write(changes: Partial<JournalData>): Promise<void> {
    this.#data = { ...this.#data, ...changes };
    await this.#store.runs.put({
      id: recordId(this.#runId),
      kind: journalKind,
      startedAtMs: Date.now(),
      data: this.#data,
    });
  }
}

function recordId(runId: string): string {
  return `${runId}/journal`;
}
