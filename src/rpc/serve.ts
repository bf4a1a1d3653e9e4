import { expose, transfer } from 'comlink';
import { registerAbortTransfer } from './abort-over-port';
import { Transferred } from '../core/transferred';
import { toWireError, type WireError } from './wire-error';

/** What a call came to; errors travel as data, because Comlink would drop their code. */
export type Outcome = { readonly value: unknown } | { readonly failure: WireError };

/** The one object a worker exposes. */
export interface ServiceDoor {
  call(method: string, ...parameters: unknown[]): Promise<Outcome>;
}

/**
 * Makes the methods of services callable from the page; of two with one name, the first service's.
 * Only own or inherited methods are reachable.
 */
export function serve(...services: readonly object[]): void {
  registerAbortTransfer();
  const door: ServiceDoor = {
    async call(method, ...parameters) {
      try {
        const service = services.find((one) => method in one) ?? {};
        const target: unknown = Reflect.get(service, method);
        if (typeof target !== 'function' || method === 'constructor') {
          throw new TypeError(`The worker has no method ${method}`);
        }
        const result: unknown = await Reflect.apply(target, service, parameters);
        if (result instanceof Transferred) {
          return transfer({ value: result.value as unknown }, result.transfer);
        }
        return { value: result };
      } catch (error) {
        return { failure: toWireError(error) };
      }
    },
  };
  expose(door);
}
