import { restrictGlobals } from '../../src/eval/python/restrict-globals';

/** Closes the doors as the Python worker does and reports what is still reachable. */
const post = globalThis.postMessage.bind(globalThis);
const probes: readonly (readonly [string, () => unknown])[] = [
  ...[
    'fetch',
    'XMLHttpRequest',
    'WebSocket',
    'EventSource',
    'WebTransport',
    'BroadcastChannel',
    'importScripts',
    'indexedDB',
    'caches',
    'Worker',
    'navigator',
    'postMessage',
    'eval',
    'Function',
  ].map((name) => [name, (): unknown => Reflect.get(globalThis, name)] as const),
  [
    'function constructor',
    (): unknown => Reflect.get(Object.getPrototypeOf(() => 0) as object, 'constructor'),
  ],
  ['array constructor twice', (): unknown => Reflect.get([].constructor, 'constructor')],
  [
    'async function constructor',
    (): unknown =>
      Reflect.get(Object.getPrototypeOf(async () => Promise.resolve()) as object, 'constructor'),
  ],
  ['fetch of a prototype', () => prototypeProperty('fetch')],
  ['postMessage of a prototype', () => prototypeProperty('postMessage')],
];

function prototypeProperty(name: string): unknown {
  let scope = Object.getPrototypeOf(globalThis) as object | null;
  while (scope !== null) {
    if (Object.hasOwn(scope, name)) return 'there';
    scope = Object.getPrototypeOf(scope) as object | null;
  }
  return undefined;
}

const before = probes.map(([name, probe]) => [name, probe() !== undefined] as const);
restrictGlobals();
const after = probes.map(([name, probe]) => [name, probe() !== undefined] as const);
post({ before: Object.fromEntries(before), after: Object.fromEntries(after) });
