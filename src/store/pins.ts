import type { LabDatabase } from './database';

/** Held for as long as the pins of an owner count; it ends with the tab or worker that holds it. */
const lockName = (owner: string): string => `mergelab-pin-${owner}`;

/**
 * Files that must not be evicted because somebody works with them. A pin ends with `unpin` or with
 * the context that set it: nothing has to be cleaned up after a crash. Without Web Locks a pin ends
 * with `unpin` only.
 */
export class Pins {
  readonly #database: LabDatabase;
  /** Ends the holding of the lock, by owner. */
  readonly #held = new Map<string, () => void>();

  constructor(database: LabDatabase) {
    this.#database = database;
  }

  /** Adds `keys` to what `owner` holds. */
  async pin(owner: string, keys: Iterable<string>): Promise<void> {
    await this.#hold(owner);
    await this.#database.write(1024, ['pins'] as const, async (transaction) => {
      const pins = transaction.objectStore('pins');
      const known = await pins.get(owner);
      await pins.put({ owner, keys: [...new Set([...(known?.keys ?? []), ...keys])] });
    });
  }

  async unpin(owner: string): Promise<void> {
    await this.#database.write(0, ['pins'] as const, async (transaction) =>
      transaction.objectStore('pins').delete(owner),
    );
    this.#held.get(owner)?.();
    this.#held.delete(owner);
  }

  /** Keys held by owners that are still at work; the pins of others are forgotten. */
  async pinnedKeys(): Promise<Set<string>> {
    const pins = await this.#database.read([], async (db) => db.getAll('pins'));
    const heldLocks = await heldLockNames();
    const isAlive = (owner: string): boolean => heldLocks?.has(lockName(owner)) !== false;
    for (const { owner } of pins) {
      if (!isAlive(owner)) await this.unpin(owner);
    }
    return new Set(pins.filter(({ owner }) => isAlive(owner)).flatMap(({ keys }) => keys));
  }

  /** Shared, so that two contexts can work for one owner. */
  async #hold(owner: string): Promise<void> {
    const locks = lockManager();
    if (locks === undefined || this.#held.has(owner)) return;
    await new Promise<void>((granted, refused) => {
      const holding = locks.request(lockName(owner), { mode: 'shared' }, async () => {
        await new Promise<void>((release) => {
          this.#held.set(owner, release);
          granted();
        });
      });
      holding.catch(refused);
    });
  }
}

/** Node 20 and pages without a secure context have none. */
function lockManager(): LockManager | undefined {
  return (globalThis as { navigator?: { locks?: LockManager } }).navigator?.locks;
}

async function heldLockNames(): Promise<Set<string> | undefined> {
  const { held = [] } = (await lockManager()?.query()) ?? { held: undefined };
  if (lockManager() === undefined) return undefined;
  return new Set(held.flatMap(({ name }) => (name === undefined ? [] : [name])));
}
