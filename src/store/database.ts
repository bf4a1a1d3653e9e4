import { openDB, type IDBPDatabase, type IDBPTransaction, type StoreNames } from 'idb';
import type { LabError } from '../core/errors';
import { hearTransactions } from './hear-transactions';
import { upgradeDatabase } from './migrations';
import { deniedError, isQuotaFailure, nameOf, quotaError, storageSpace } from './problems';
import { databaseName, databaseVersion, type LabSchema } from './schema';

export type Database = IDBPDatabase<LabSchema>;

type StoreName = StoreNames<LabSchema>;

/** How long another tab may hold up an upgrade before this one goes on without storage. */
const openTimeoutMs = 5000;

export interface DatabaseOptions {
  /** Another name keeps tests apart. */
  readonly name?: string | undefined;
  /** Told once when storage is denied, and at each turn from working to full. */
  readonly onProblem?: ((error: LabError) => void) | undefined;
}

/**
 * The connection to IndexedDB: opened at first use, opened again after it was closed, given up when
 * another tab wants to upgrade. Where storage is denied, reads find nothing and writes do nothing.
 */
export class LabDatabase {
  readonly #name: string;
  readonly #onProblem: ((error: LabError) => void) | undefined;
  #connection: Promise<Database> | undefined;
  #isDenied = false;
  #isFull = false;

  constructor(options: DatabaseOptions = {}) {
    this.#name = options.name ?? databaseName;
    this.#onProblem = options.onProblem;
  }

  /** Whether the last write failed for want of room. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Opens the database if need be and says whether it can be used. */
  async isAvailable(): Promise<boolean> {
    return (await this.#open()) !== undefined;
  }

  /** Runs `body`, or yields `fallback` where there is no storage. */
  async read<T>(fallback: T, body: (database: Database) => Promise<T>): Promise<T> {
    return this.#withReopening(fallback, body);
  }

  /**
   * Runs `body`, which writes at most `neededBytes`, in one transaction: all of it happens, or
   * nothing.
   * @returns false when nothing was written, for want of storage or space; `onProblem` has the reason
   */
  async write<Names extends ArrayLike<StoreName>>(
    neededBytes: number,
    names: Names,
    body: (transaction: IDBPTransaction<LabSchema, Names, 'readwrite'>) => Promise<unknown>,
  ): Promise<boolean> {
    const written = await this.change(neededBytes, names, async (transaction) => {
      await body(transaction);
      return true;
    });
    return written === true;
  }

  /** As `write`, with the value of `body`; undefined when nothing was written. */
  async change<T, Names extends ArrayLike<StoreName>>(
    neededBytes: number,
    names: Names,
    body: (transaction: IDBPTransaction<LabSchema, Names, 'readwrite'>) => Promise<T>,
  ): Promise<T | undefined> {
    try {
      return await this.#withReopening<T | undefined>(undefined, async (database) => {
        const transaction = database.transaction(names, 'readwrite');
        const value = await allOrNothing(transaction, body);
        await transaction.done;
        this.#isFull = false;
        return value;
      });
    } catch (cause) {
      if (!isQuotaFailure(cause)) throw cause;
      await this.tellFull(neededBytes, cause);
      return undefined;
    }
  }

  /** Ends the connection; the next use opens another. */
  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    (await connection?.catch(() => undefined))?.close();
  }

  async #withReopening<T>(fallback: T, body: (database: Database) => Promise<T>): Promise<T> {
    const database = await this.#open();
    if (database === undefined) return fallback;
    try {
      return await body(database);
    } catch (cause) {
      // The connection was closed under us: by another tab's upgrade, or by the browser.
      if (nameOf(cause) !== 'InvalidStateError') throw cause;
      this.#connection = undefined;
      const reopened = await this.#open();
      return reopened === undefined ? fallback : body(reopened);
    }
  }

  async #open(): Promise<Database | undefined> {
    if (this.#isDenied) return undefined;
    const connection = (this.#connection ??= this.#connect());
    try {
      return await connection;
    } catch (cause) {
      this.#connection = undefined;
      this.#deny(cause);
      return undefined;
    }
  }

  /** Several callers may have waited for the same failure; it is told once. */
  #deny(cause: unknown): void {
    if (this.#isDenied) return;
    this.#isDenied = true;
    this.#onProblem?.(deniedError(cause));
  }

  /** Tells, at the first failure after a success, that there is no room. */
  async tellFull(neededBytes: number, cause: unknown): Promise<void> {
    if (this.#isFull) return;
    this.#isFull = true;
    this.#onProblem?.(quotaError(await storageSpace(), neededBytes, cause));
  }

  async #connect(): Promise<Database> {
    const forget = (): void => {
      this.#connection = undefined;
    };
    const opening = openDB<LabSchema>(this.#name, databaseVersion, {
      upgrade: (database, oldVersion, _newVersion, transaction) => {
        transaction.done.catch(() => undefined);
        // A failed upgrade changes nothing: the database is not opened then.
        upgradeDatabase(database, oldVersion, transaction).catch(() => {
          transaction.abort();
        });
      },
      blocking: (_current, _blocked, event) => {
        forget();
        (event.target as IDBDatabase).close();
      },
      terminated: forget,
    });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new Error('another tab holds the database; close it and reload'));
        // It may still open later, when nobody waits for it any more.
        opening.then(
          (database) => {
            database.close();
          },
          () => undefined,
        );
      }, openTimeoutMs);
    });
    try {
      return hearTransactions(await Promise.race([opening, timeout]));
    } finally {
      clearTimeout(timer);
    }
  }
}

/** A body that throws between two requests would leave the first one's effect. */
async function allOrNothing<T, Transaction extends { abort(): void }>(
  transaction: Transaction,
  body: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  try {
    return await body(transaction);
  } catch (cause) {
    try {
      transaction.abort();
    } catch {
      // It has ended by itself, which is most often why the body threw.
    }
    throw cause;
  }
}
