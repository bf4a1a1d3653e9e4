/** Doors out of a worker: network, storage, further workers, messages, code from text. */
const doors = [
  'fetch',
  'XMLHttpRequest',
  'WebSocket',
  'WebSocketStream',
  'WebTransport',
  'EventSource',
  'BroadcastChannel',
  'RTCPeerConnection',
  'importScripts',
  'indexedDB',
  'caches',
  'localStorage',
  'sessionStorage',
  'Worker',
  'SharedWorker',
  'Notification',
  'FileReaderSync',
  'postMessage',
  'close',
  'onmessage',
  'navigator',
  'eval',
  'Function',
  'require',
  'module',
  'process',
] as const;

/**
 * Closes every known way from this worker's global scope to the outside; nothing can be undone.
 * Call it once all code is loaded and what is still needed is kept in variables.
 *
 * The names are deleted along the prototype chain and shadowed by `undefined`. The constructors of
 * functions go too, as any JavaScript object that leaks into Python reaches them through
 * `constructor`. In Node, child processes and sockets are cut as well: Emscripten's `system()` would
 * otherwise start a shell.
 */
export function restrictGlobals(): void {
  restrictNode();
  for (const name of doors) closeDoor(name);
  for (const sample of [
    () => undefined,
    async () => Promise.resolve(),
    function* () {
      yield 0;
    },
    async function* () {
      yield await Promise.resolve(0);
    },
  ]) {
    const prototype: unknown = Object.getPrototypeOf(sample);
    Object.defineProperty(prototype, 'constructor', { value: undefined, configurable: false });
  }
}

function closeDoor(name: string): void {
  for (
    let scope: unknown = globalThis;
    typeof scope === 'object' && scope !== null;
    scope = Object.getPrototypeOf(scope)
  ) {
    try {
      Reflect.deleteProperty(scope, name);
    } catch {
      // A prototype may refuse; the shadow below hides it.
    }
  }
  Object.defineProperty(globalThis, name, { value: undefined, configurable: false });
}

/** Cuts what the interpreter's own `require` still reaches in Node; does nothing in a browser. */
function restrictNode(): void {
  if (typeof process === 'undefined') return;
  const refuse = (): never => {
    throw new Error('not available in the Python sandbox');
  };
  const childProcess = process.getBuiltinModule('node:child_process') as object;
  for (const name of Object.keys(childProcess)) Reflect.set(childProcess, name, refuse);
  const net = process.getBuiltinModule('node:net');
  net.Socket.prototype.connect = refuse;
  net.Server.prototype.listen = refuse;
}
