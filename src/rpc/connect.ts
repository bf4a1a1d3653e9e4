import { proxy, transfer, wrap, type Remote } from 'comlink';
import { LabError } from '../core/errors';
import { registerAbortTransfer } from './abort-over-port';
import type { ServiceDoor } from './serve';
import { Transferred } from '../core/transferred';
import { fromWireError } from './wire-error';

/** The page's view of a service: the same methods, all asynchronous, moved values unwrapped. */
export type Service<T> = {
  readonly [
    Name in keyof T as T[Name] extends (...args: never[]) => unknown ? Name : never
  ]: T[Name] extends (...args: infer Args) => infer Result
    ? (
        ...args: { [Index in keyof Args]: Args[Index] | Transferred<Args[Index]> }
      ) => Promise<Unwrapped<Awaited<Result>>>
    : never;
};

type Unwrapped<T> = T extends Transferred<infer Value> ? Value : T;

export interface Connection<T> {
  readonly service: Service<T>;
  /** Ends the worker. Calls in flight reject. */
  close(): void;
}

/**
 * Connects to the service that `worker` serves. Functions among the arguments become callbacks
 * (their results are ignored), AbortSignals cross, LabErrors come back whole.
 *
 * A worker that dies (out of memory, a script that fails to load) rejects every call in flight and
 * every later one with `worker/crashed`; `onCrash` lets the owner forget it, so that the next call
 * starts a new worker.
 */
export function connect<T extends object>(
  worker: Worker,
  label: string,
  onCrash: () => void,
): Connection<T> {
  registerAbortTransfer();
  const door: Remote<ServiceDoor> = wrap<ServiceDoor>(worker);
  let failCalls: (error: Error) => void = () => undefined;
  const crash = new Promise<never>((_, reject) => {
    failCalls = reject;
  });
  // Without a call in flight nobody awaits this promise; that is not an unhandled rejection.
  crash.catch(() => undefined);
  worker.onerror = (event) => {
    failCalls(
      new LabError(
        'worker/crashed',
        `The ${label} worker stopped (${event.message || 'it may have run out of memory'}). Try again; if it stops again, use a smaller model.`,
      ),
    );
    worker.terminate();
    onCrash();
  };

  async function call(method: string, parameters: unknown[]): Promise<unknown> {
    const outcome = await Promise.race([door.call(method, ...parameters.map(toWire)), crash]);
    if ('failure' in outcome) throw fromWireError(outcome.failure);
    return outcome.value;
  }

  const service = new Proxy(
    {},
    {
      get: (_, method) =>
        // A promise check by `await` asks for `then`; there is none.
        method === 'then' || typeof method !== 'string'
          ? undefined
          : (...parameters: unknown[]) => call(method, parameters),
    },
  );
  return {
    service: service as Service<T>,
    close: () => {
      failCalls(new DOMException(`The ${label} worker was closed.`, 'AbortError'));
      worker.terminate();
    },
  };
}

function toWire(parameter: unknown): unknown {
  if (typeof parameter === 'function') return proxy(parameter);
  if (parameter instanceof Transferred) {
    return transfer(parameter.value as object, parameter.transfer);
  }
  return parameter;
}
