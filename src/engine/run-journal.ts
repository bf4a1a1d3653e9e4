import type { BackendId } from '../expr/backend';
import type { LabStore } from '../store/lab-store';
import type { RunRecord } from '../store/schema';
import type { OutputMemory } from './output-files';
import type { WholeModelNumbers } from './run-merge';

const journalKind = 'merge-journal';
const proofKind = 'merge-proof';

/** Gives what is known by now of the files that a run reads, as data that can be stored. */
export type TakeProof = () => Promise<unknown>;

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
  /** Of complete files that lie outside the store, by path. */
  readonly checksums?: ReadonlyMap<string, string>;
  readonly archive?: ArchiveMark;
}

/**
 * What a run writes down beside its output, so that it can go on after anything: who it is, what it
 * measured over whole models, and which files are complete. Bytes that count as written are those
 * that the store holds as whole chunks; the journal never claims any.
 *
 * In a record of its own lies what is known of the files that were read, as a proof of what was made of
 * them: it is written before anything counts as made, and with every chunk.
 *
 * Only the holder of the run's lock may have one.
 */
export class RunJournal implements OutputMemory {
  readonly #store: LabStore;
  readonly #runId: string;
  readonly #takeProof: TakeProof;
  #data: JournalData;

  private constructor(store: LabStore, runId: string, data: JournalData, takeProof: TakeProof) {
    this.#store = store;
    this.#runId = runId;
    this.#data = data;
    this.#takeProof = takeProof;
  }

  /** Of a run that has begun; undefined for one that has not. */
  static async find(
    store: LabStore,
    runId: string,
    takeProof: TakeProof = noProof,
  ): Promise<RunJournal | undefined> {
    const record = await store.runs.get(recordId(runId));
    // Only `#write` makes records of this id.
    return record && new RunJournal(store, runId, record.data as JournalData, takeProof);
  }

  /** Begins a run: written before the first byte of its output. */
  static async begin(
    store: LabStore,
    runId: string,
    who: RunIdentity,
    takeProof: TakeProof = noProof,
  ): Promise<RunJournal> {
    const empty = { measured: undefined, hashes: new Map(), closedPaths: [] };
    const journal = new RunJournal(store, runId, { ...who, ...empty }, takeProof);
    await journal.#claim({});
    return journal;
  }

  /** What `takeProof` gave last, on whatever visit; whoever takes it back does not trust it. */
  static async proof(store: LabStore, runId: string): Promise<unknown> {
    return (await store.runs.get(proofId(runId)))?.data;
  }

  /** Of a finished run nothing needs to be proven any more. */
  static async forgetProof(store: LabStore, runId: string): Promise<void> {
    await store.runs.remove(proofId(runId));
  }

  static async remove(store: LabStore, runId: string): Promise<void> {
    await RunJournal.forgetProof(store, runId);
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

  /** What `onClosed` was told of complete files. */
  get checksums(): ReadonlyMap<string, string> {
    return this.#data.checksums ?? new Map<string, string>();
  }

  get archive(): ArchiveMark | undefined {
    return this.#data.archive;
  }

  /** To be stored with a chunk of the output, so that both are there or neither. */
  async proofRecord(): Promise<RunRecord> {
    const data = await this.#takeProof();
    return { id: proofId(this.#runId), kind: proofKind, startedAtMs: Date.now(), data };
  }

  async onMeasured(measured: WholeModelNumbers): Promise<void> {
    await this.#claim({ measured });
  }

  async onHash(path: string, sha256: string): Promise<void> {
    await this.#write({ hashes: new Map([...this.#data.hashes, [path, sha256]]) });
  }

  /**
   * A file is complete.
   * @param checksum XXH3-128, for one that nobody else checks
   */
  async onClosed(path: string, checksum?: string): Promise<void> {
    const closedPaths = [...new Set([...this.#data.closedPaths, path])];
    const more = checksum === undefined ? [] : [[path, checksum] as const];
    await this.#claim({ closedPaths, checksums: new Map([...this.checksums, ...more]) });
  }

  /** The zip on disk has grown. */
  async onArchived(archive: ArchiveMark): Promise<void> {
    await this.#claim({ archive });
  }

  /** Writes that something was made of what was read. */
  async #claim(changes: Partial<JournalData>): Promise<void> {
    await this.#store.runs.put(await this.proofRecord());
    await this.#write(changes);
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

function proofId(runId: string): string {
  return `${runId}/proof`;
}

async function noProof(): Promise<undefined> {
  return Promise.resolve(undefined);
}
