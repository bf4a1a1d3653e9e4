import type { IDBPDatabase } from 'idb';
import type { LabSchema } from './schema';

/** idb's short reads; they open their transaction through `this.transaction`. */
const shortReads: readonly (string | symbol)[] = ['get', 'getAll'];

/**
 * The same connection, with the end of every transaction heard. idb's short reads (`db.get`) leave
 * their transaction's `done` to nobody; when the browser deletes the site's data under a read, that
 * promise would become an unhandled rejection beside the request's own failure.
 */
export function hearTransactions(database: IDBPDatabase<LabSchema>): IDBPDatabase<LabSchema> {
  return new Proxy(database, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property);
      if (typeof value !== 'function' || shortReads.includes(property)) return value;
      return (...parameters: unknown[]): unknown => {
        const result: unknown = Reflect.apply(value, target, parameters);
        if (property === 'transaction') {
          (result as { done: Promise<void> }).done.catch(() => undefined);
        }
        return result;
      };
    },
  });
}
