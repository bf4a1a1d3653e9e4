import type { LabDatabase } from './database';
import type { LabSchema } from './schema';

type RecordStoreName = 'runs' | 'scores';

/**
 * Small records under a key. Those that could not be written, for want of storage or space, are kept
 * in memory until the page is left.
 */
export class RecordStore<Name extends RecordStoreName, Value extends LabSchema[Name]['value']> {
  readonly #database: LabDatabase;
  readonly #name: Name;
  readonly #keyOf: (value: Value) => LabSchema[Name]['key'];
  readonly #memory = new Map<string, Value>();

  constructor(database: LabDatabase, name: Name, keyOf: (value: Value) => LabSchema[Name]['key']) {
    this.#database = database;
    this.#name = name;
    this.#keyOf = keyOf;
  }

  async get(key: LabSchema[Name]['key']): Promise<Value | undefined> {
    const kept = this.#memory.get(JSON.stringify(key));
    if (kept !== undefined) return kept;
    return this.#database.read(undefined, async (db) => {
      const found: unknown = await db.get(this.#name, key);
      return found as Value | undefined;
    });
  }

  /** Adds a record or replaces the one under its key. */
  async put(value: Value): Promise<void> {
    const key = JSON.stringify(this.#keyOf(value));
    const isWritten = await this.#database.write(1024, [this.#name], async (transaction) =>
      transaction.objectStore(this.#name).put(value),
    );
    if (isWritten) this.#memory.delete(key);
    else this.#memory.set(key, value);
  }

  /** All records, those in memory first. */
  async list(): Promise<Value[]> {
    const stored = await this.#database.read<unknown[]>([], async (db) => db.getAll(this.#name));
    const fresh = [...this.#memory.values()];
    const kept = (stored as Value[]).filter(
      (value) => !this.#memory.has(JSON.stringify(this.#keyOf(value))),
    );
    return [...fresh, ...kept];
  }

  async remove(key: LabSchema[Name]['key']): Promise<void> {
    this.#memory.delete(JSON.stringify(key));
    await this.#database.write(0, [this.#name], async (transaction) =>
      transaction.objectStore(this.#name).delete(key),
    );
  }

  /** Takes notice of a record that was stored elsewhere, in the transaction of something else. */
  heard(value: Value): void {
    this.#memory.delete(JSON.stringify(this.#keyOf(value)));
  }

  /** Drops what is only in memory. */
  forget(): void {
    this.#memory.clear();
  }
}
