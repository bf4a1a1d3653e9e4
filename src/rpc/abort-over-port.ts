import { transferHandlers } from 'comlink';

/**
 * Lets an AbortSignal cross to a worker as an argument: a message port carries the one event. The
 * reason does not cross; the worker's operation rejects with a plain AbortError.
 */
export function registerAbortTransfer(): void {
  transferHandlers.set('AbortSignal', {
    canHandle: (value): value is AbortSignal => value instanceof AbortSignal,
    serialize: (signal: AbortSignal) => {
      const { port1, port2 } = new MessageChannel();
      const send = (): void => {
        port1.postMessage('abort');
        port1.close();
      };
      if (signal.aborted) send();
      else signal.addEventListener('abort', send, { once: true });
      return [port2, [port2]];
    },
    deserialize: (port: MessagePort) => {
      const controller = new AbortController();
      port.onmessage = () => {
        controller.abort();
        port.close();
      };
      return controller.signal;
    },
  });
}
