"""Runs untrusted one-line functions against assertions; JSON on stdin, JSON on stdout.

stdin: [{"source": ..., "tests": [...]}, ...]; stdout: [true, false, ...]. Each candidate has
restricted builtins, 0.5 s and 256 MB; score.ts starts this in a process of its own.
"""

import builtins
import json
import resource
import signal
import sys

ALLOWED = """abs all any bool dict divmod enumerate filter float int isinstance len list map max min
ord chr pow range repr reversed round set sorted str sum tuple zip AssertionError Exception""".split()


def stop(*_):
    raise TimeoutError


def passes(source: str, tests: list[str]) -> bool:
    names = {"__builtins__": {name: getattr(builtins, name) for name in ALLOWED}}
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        exec(source.strip(), names)
        for test in tests:
            exec(test, names)
        return True
    except BaseException:
        return False
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


signal.signal(signal.SIGALRM, stop)
resource.setrlimit(resource.RLIMIT_AS, (256 << 20, 256 << 20))
json.dump([passes(c["source"], c["tests"]) for c in json.load(sys.stdin)], sys.stdout)
