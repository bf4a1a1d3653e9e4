/**
 * The Python side of the sandbox. Evaluates to a tuple of functions: `run_source(text)` and
 * `run_test(text)` return '' or a JSON object `{ "type", "message" }`; `seal()` comes first and once,
 * and takes from the interpreter what it holds of JavaScript; `take_output()` returns what was printed.
 *
 * Source and tests arrive in separate calls, so that a program cannot change tests it has not been
 * shown yet. A verdict is "the call came to its end": `raise SystemExit`, a caught AssertionError or
 * a replaced built-in cannot turn a failure into a pass. Built-ins and module contents are put back
 * before every test and before every source. Code written to climb the interpreter's frames could
 * still forge a pass; it could not leave the worker (see `restrict-globals.ts`).
 */
export const harnessSource = `
def make_harness():
    import builtins, gc, io, json, signal, sys, posix, os
    # Loaded now, so that programs find them at once and their contents can be put back.
    import bisect, collections, copy, datetime, fractions, functools, heapq, itertools, math
    import operator, random, re, statistics, string, typing

    blocked = frozenset((
        'js', 'pyodide', 'pyodide_js', '_pyodide', '_pyodide_core', 'micropip', 'pip', 'ctypes',
        '_ctypes', 'socket', '_socket', 'ssl', '_ssl', 'select', 'subprocess', '_posixsubprocess',
        'multiprocessing', 'webbrowser', 'faulthandler',
    ))

    class Guard:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name.partition('.')[0] in blocked:
                raise ImportError(f'{name} is not available here', name=name)
            return None

    bridge = [name for name in sys.modules if name.partition('.')[0] in blocked]
    bridge_modules = [sys.modules.pop(name) for name in bridge]
    sys.meta_path[:] = [Guard] + [
        finder for finder in sys.meta_path if 'pyodide' not in getattr(finder, '__module__', '')
    ]
    sys.path_importer_cache.clear()

    # They would end or leave the interpreter; missing names fail like any other mistake.
    for name in ('system', 'popen', '_exit', 'abort', 'kill', 'killpg', 'fork', 'forkpty'):
        for module in (posix, os):
            if hasattr(module, name):
                delattr(module, name)
    for module in (posix, os):
        for name in list(vars(module)):
            if name.startswith(('exec', 'spawn', 'posix_spawn')):
                delattr(module, name)

    printed = []
    room = 0

    class Output(io.TextIOBase):
        # Keeps the start and drops the rest, so that endless printing costs no memory. Cannot be
        # closed, as the next program needs it.
        __slots__ = ()
        def writable(self):
            return True
        def write(self, text):
            nonlocal room
            if room > 0:
                kept = text[:room]
                room -= len(kept)
                printed.append(kept)
            return len(text)
        def close(self):
            pass

    sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = Output()

    modules = dict(sys.modules)
    contents = [(vars(m), dict(vars(m))) for m in modules.values() if hasattr(m, '__dict__')]
    meta_path = tuple(sys.meta_path)
    path = tuple(sys.path)
    recursion_limit = sys.getrecursionlimit()
    untrace, unprofile = sys.settrace, sys.setprofile
    base_exception, dumps, run, compiled = BaseException, json.dumps, exec, compile
    text_of, kind_of, length = str, type, len

    def restore():
        for live, saved in contents:
            if length(live) != length(saved):
                for key in [key for key in live if key not in saved]:
                    del live[key]
            live.update(saved)

    def reset():
        restore()
        sys.setrecursionlimit(recursion_limit)
        for name in [name for name in sys.modules if name not in modules]:
            del sys.modules[name]
        sys.modules.update(modules)
        sys.meta_path[:] = meta_path
        sys.path[:] = path
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def describe(error):
        kind = kind_of(error).__name__
        try:
            message = text_of(error)[:300]
        except base_exception:
            message = ''
        return dumps({'type': text_of(kind)[:80], 'message': message})

    def take_output():
        text = ''.join(printed)
        printed.clear()
        return text

    namespace = {}
    def seal():
        # Functions and loaders that stay alive elsewhere lose what they could reach.
        for module in bridge_modules:
            if kind_of(module) is kind_of(sys):
                vars(module).clear()
        bridge_modules.clear()
        for value in gc.get_objects():
            if kind_of(value).__name__ in ('JsLoader', 'JsFinder'):
                vars(value).clear()
        # What exists now never needs a collection: only what programs leave is looked at.
        gc.collect()
        gc.freeze()

    def run_source(text):
        nonlocal namespace, room
        namespace = {}
        room = 2000
        gc.collect()
        reset()
        namespace = {'__name__': 'candidate', '__builtins__': builtins}
        try:
            run(compiled(text, '<reply>', 'exec', dont_inherit=True), namespace)
        except base_exception as error:
            unprofile(None)
            untrace(None)
            return describe(error)
        unprofile(None)
        untrace(None)
        return ''

    def run_test(text):
        restore()
        namespace['__builtins__'] = builtins
        try:
            run(compiled(text, '<test>', 'exec', dont_inherit=True), namespace)
        except base_exception as error:
            unprofile(None)
            untrace(None)
            return describe(error)
        unprofile(None)
        untrace(None)
        return ''

    return run_source, run_test, seal, take_output

make_harness()
`;
