"""What a program prints, how it ends and what it raises: the same with the agent and without, byte for byte."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import pytest
import vantage_agent
from vantage_agent.config import Config
from vantage_agent.instrumentation import _MODULES, install
from vantage_agent.instrumentation.patching import Patcher
from vantage_agent.recorder import Recorder

if TYPE_CHECKING:
    from tests.conftest import Sink

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs POSIX")
PACKAGE = Path(vantage_agent.__file__).parent
RUN = [sys.executable, "-m", "vantage_agent.launcher", "--service-name", "unnoticed"]

# A request, a log line and a sample of its own, so that the agent has work under way in the rest of the program.
BUSY = """
import flask, logging
app = flask.Flask("busy")
app.add_url_rule("/<x>", "index", lambda x: x)
client = app.test_client()
def work():
    assert client.get("/1").text == "1"
    logging.getLogger("quiet").warning("one")
logging.getLogger("quiet").addHandler(logging.NullHandler())
logging.getLogger("quiet").propagate = False
work()
"""

PROGRAMS: Dict[str, str] = {
    "prints": BUSY + "import sys; print('out'); print('err', file=sys.stderr)",
    "raises": BUSY + "def inner(): raise LookupError('what')\ninner()",
    "raises from": BUSY + "try: 1 / 0\nexcept ZeroDivisionError as error: raise ValueError(3) from error",
    "exits with a number": BUSY + "import sys; sys.exit(7)",
    "exits with a text": BUSY + "import sys; sys.exit('no such file')",
    "exits in a hurry": BUSY + "import os; os._exit(3)",
    "terminated child": BUSY
    + "import multiprocessing as mp, time\n"
    + "if __name__ == '__main__':\n"
    + "    child = mp.get_context('fork').Process(target=time.sleep, args=(60,))\n"
    + "    child.start(); child.terminate(); child.join(); print(child.exitcode)",
    "aborts": BUSY + "import os; os.abort()",
    "syntax error": "print('never')\nif:\n",
    "warns": BUSY + "import warnings; warnings.warn('old', DeprecationWarning); warnings.warn('odd')",
    "warnings are errors": "import warnings; warnings.simplefilter('error')\n" + BUSY + "warnings.warn('odd')",
    "logs to stderr": BUSY + "logging.warning('root'); logging.getLogger('x').error('with %s', 'arguments')",
    "logs with basicConfig": BUSY
    + "logging.basicConfig(level=10, format='%(name)s %(message)s')\napp.logger.info('i')",
    "logs a wrong format": BUSY + "logging.raiseExceptions = False; logging.error('%d', 'x'); print('on')",
    "logs an exception": BUSY + "try: {}['key']\nexcept KeyError: logging.exception('missing')",
    "reads stdin": BUSY + "import sys; print(sys.stdin.read().upper(), end='')",
    "arguments and paths": BUSY + "import sys; print(sys.argv[1:], sys.flags.optimize, __name__, __doc__)",
    "exit handlers in order": BUSY + "import atexit\nfor n in range(3): atexit.register(print, n)",
    "raises at exit": BUSY + "import atexit\natexit.register(lambda: 1 / 0)",
    "unraisable": BUSY + "class Late:\n    def __del__(self): print('gone')\nlate = Late()",
    "excepthook": BUSY + "import sys; sys.excepthook = lambda kind, error, trace: print('hook', error)\n1 / 0",
    "thread that raises": BUSY
    + "import threading\nthread = threading.Thread(target=lambda: 1 / 0, name='t')\nthread.start(); thread.join()",
    "daemon threads at the end": BUSY
    + "import threading\ndef forever():\n    while True: work()\n"
    + "for n in range(4): threading.Thread(target=forever, daemon=True).start()\nprint('end')",
    "thread pool": BUSY
    + "from concurrent.futures import ThreadPoolExecutor\n"
    + "with ThreadPoolExecutor(2) as pool:\n"
    + "    print(list(pool.map(str, range(5))), repr(pool.submit(int, 'x').exception()))",
    "threads in a request": BUSY
    + "from concurrent.futures import ThreadPoolExecutor\npool = ThreadPoolExecutor(1)\n"
    + "app.view_functions['index'] = lambda x: str(pool.submit(pow, 2, exp=5).result())\n"
    + "print(client.get('/2').text)",
    "asyncio": BUSY
    + "import asyncio\nasync def main():\n    work()\n    await asyncio.sleep(0)\n"
    + "    print(await asyncio.gather(asyncio.to_thread(sum, [1, 2]), asyncio.sleep(0, 4)))\nasyncio.run(main())",
    "asyncio that raises": BUSY
    + "import asyncio\nasync def fail(): raise OSError('lost')\n"
    + "async def main(): await asyncio.gather(fail(), asyncio.sleep(9))\nasyncio.run(main())",
    "asyncio never awaited": BUSY + "async def lost(): pass\nlost()\nprint('end')",
    "multiprocessing": BUSY
    + "import multiprocessing as mp\ndef square(x):\n    work()\n    return x * x\n"
    + "if __name__ == '__main__':\n    with mp.get_context('fork').Pool(2) as pool: print(pool.map(square, range(5)))",
    "multiprocessing spawned": BUSY
    + "import multiprocessing as mp\ndef say(x): print(x, flush=True); raise SystemExit(x)\n"
    + "if __name__ == '__main__':\n"
    + "    child = mp.get_context('spawn').Process(target=say, args=(5,))\n    child.start(); child.join()\n"
    + "    print(child.exitcode)",
    "fork and wait": BUSY
    + "import os\nchild = os.fork()\nif child == 0:\n    work(); raise SystemExit(4)\n"
    + "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))",
    "subprocess": BUSY
    + "import subprocess, sys\nprint(subprocess.run([sys.executable, '-c', '1 / 0'], stderr=subprocess.PIPE))",
    "replaces itself": BUSY
    + "import os, sys\nlook = 'import os; print(os.listdir(\"/proc/self/fd\"))'\n"
    + "os.execv(sys.executable, [sys.executable, '-c', look])",
    "interrupted": BUSY  # also where a shell has started the tests in the background, which ignores the signal
    + "import os, signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    + "os.kill(os.getpid(), signal.SIGINT)\nsignal.pause()",
    "terminated": BUSY + "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\nsignal.pause()",
    "alarm in a request": BUSY
    + "import signal, time\ndef ring(*_): raise TimeoutError('too slow')\nsignal.signal(signal.SIGALRM, ring)\n"
    + "app.view_functions['index'] = lambda x: time.sleep(60)\nsignal.setitimer(signal.ITIMER_REAL, 0.2)\n"
    + "app.testing = True\ntry: client.get('/2')\nexcept TimeoutError as error: print(repr(error))",
    "own SIGTERM handler": BUSY
    + "import os, signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(9))\nos.kill(os.getpid(), 15)\n"
    + "signal.pause()",
    "closed stdout and stderr": BUSY + "import os; os.close(1); os.close(2)",
    "profiled": "import sys\nseen = []\n"
    + "def look(frame, event, argument):\n"
    + "    if frame.f_code.co_filename == __file__: seen.append((event, frame.f_lineno))\n"
    + BUSY + "sys.setprofile(look)\nwork()\nsys.setprofile(None)\nprint(seen)",
    "recursion": BUSY
    + "def dig(n):\n    try: return dig(n + 1)\n    except RecursionError: return 'bottom'\nprint(dig(0)); work()",
    "sub-interpreter": BUSY
    + "try: import _interpreters as sub\nexcept ImportError: import _xxsubinterpreters as sub\n"
    + "id = sub.create()\nsub.run_string(id, 'import logging; logging.warning(\"inside\")')\n"
    + "sub.destroy(id)\nprint('end')",
    "request that fails": BUSY
    + "app.view_functions['index'] = lambda x: 1 / 0\nprint(client.get('/2').status)",
    "request that raises": BUSY
    + "app.testing = True\napp.view_functions['index'] = lambda x: 1 / 0\nclient.get('/2')",
    "call to nowhere": BUSY
    + "import requests\ntry: requests.get('http://127.0.0.1:1/')\n"
    + "except requests.ConnectionError as error: print(type(error))",
    "call that raises": "import requests\nrequests.get('http://127.0.0.1:1/')",
}  # fmt: skip


class Ended(NamedTuple):
    """What there is to see of a program from outside."""

    code: int
    out: str
    err: str


def run(command: Sequence[str], cwd: Path, **env: str) -> Ended:
    paths = os.pathsep.join(filter(None, [str(PACKAGE.parent), os.environ.get("PYTHONPATH")]))
    settings = {"PYTHONPATH": paths, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", **env}
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **settings}, input="line\n", capture_output=True, text=True, timeout=60
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def nowhere() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


# One frame of a traceback: where it is, its line of code and, from 3.11, the marks below.
OUR_FRAME = re.compile(rf'^( *[|+] *)?  File "{re.escape(str(PACKAGE))}/.*\n(    .*\n){{0,2}}', re.MULTILINE)
# Addresses of objects and times of log lines: they differ from one run to the next.
PASSING = re.compile(r"0x[0-9a-f]{6,}|\[\d{4}-\d\d-\d\d [^]]+\]")


def without_us(ended: Ended) -> Ended:
    """The agent's wrappers may be seen in tracebacks that pass through them; nothing else may."""
    err = OUR_FRAME.sub("", ended.err)
    return Ended(ended.code, PASSING.sub("", ended.out), PASSING.sub("", err))


def compared(
    program: str, flags: Sequence[str], urls: Sequence[str], path: Path, **env: str
) -> List[Tuple[Ended, Ended]]:
    """How it ends without the agent, and with it for each collector."""
    script = path / "program.py"
    script.write_text(program)
    command = [sys.executable, *flags, str(script), "an", "argument"]
    plain = run(command, path, **env)
    settings = {**env, "VANTAGE_AGENT_FLUSH_INTERVAL": "0.1"}
    return [(plain, run([*RUN, *command], path, VANTAGE_AGENT_COLLECTOR_URL=url, **settings)) for url in urls]


@pytest.mark.parametrize("name", list(PROGRAMS))
def test_a_program_does_the_same_with_the_agent(name: str, sink: Sink, tmp_path: Path) -> None:
    for plain, watched in compared(PROGRAMS[name], (), (sink.url, nowhere()), tmp_path):
        assert without_us(watched) == without_us(plain)


FLAGS = {
    "development mode": (["-X", "dev"], {}),
    "every warning is an error": (["-W", "error"], {}),
    "asyncio in debug mode": (["-X", "dev"], {"PYTHONASYNCIODEBUG": "1"}),
    "optimised": (["-OO"], {}),
    "isolated": (["-I"], {}),
    "without site": (["-S"], {"PYTHONPATH": ""}),
    "memory traced": (["-X", "tracemalloc=5"], {}),
    "bytes are not text": (["-bb"], {}),
    "unbuffered": (["-u"], {}),
    "faults dumped": (["-X", "faulthandler"], {}),
}

# Everything that holds a socket, a file, a thread or a task: what is left open would be told of now.
THOROUGH = """
import asyncio, gc, threading
async def main():
    work()
    await asyncio.gather(*(asyncio.to_thread(work) for _ in range(3)))
asyncio.run(main())
thread = threading.Thread(target=work)
thread.start()
thread.join()
import vantage_agent
vantage_agent.flush(1)
gc.collect()
print("end")
"""


@pytest.mark.parametrize("name", list(FLAGS))
def test_the_interpreters_checks_find_nothing_of_ours(name: str, sink: Sink, tmp_path: Path) -> None:
    flags, env = FLAGS[name]
    program = "print('end')" if "-S" in flags or "-I" in flags else BUSY + THOROUGH
    for plain, watched in compared(program, flags, (sink.url, nowhere()), tmp_path, **env):
        assert plain.out == "end\n"
        assert without_us(watched) == without_us(plain)


def test_a_shut_down_agent_leaves_nothing_open(sink: Sink, tmp_path: Path) -> None:
    program = BUSY + THOROUGH + "vantage_agent.shutdown(2)\nprint(threading.active_count())\ndel asyncio\ngc.collect()"
    ((_, watched),) = compared(program, ["-X", "dev", "-W", "error"], [sink.url], tmp_path)
    assert watched == Ended(0, "end\n1\n", "")


def test_a_debugger_shows_the_same(sink: Sink, tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(BUSY.strip() + "\nnumber = 6\nprint(number * 7)\n")
    commands = "\n".join(["next", "break 12", "continue", "print(number)", "where", "continue", "quit"]) + "\n"
    seen = []
    for launcher in ([], RUN):
        command = [*launcher, sys.executable, "-m", "pdb", str(script)]
        env = {**os.environ, "PYTHONPATH": str(PACKAGE.parent), "VANTAGE_AGENT_COLLECTOR_URL": sink.url}
        done = subprocess.run(
            command, cwd=tmp_path, env=env, input=commands, capture_output=True, text=True, timeout=60
        )
        seen.append(Ended(done.returncode, done.stdout, done.stderr))
    assert "(Pdb) 6\n" in seen[0].out
    assert seen[0] == seen[1]


def test_line_counts_of_the_applications_files_are_the_same(sink: Sink, tmp_path: Path) -> None:
    flags = [
        "-m",
        "trace",
        "--count",
        "--missing",
        "--coverdir",
        "counts",
        f"--ignore-dir={sys.prefix}:{sys.base_prefix}",
    ]
    counted = []
    for plain, watched in compared(BUSY + "work()\nprint('end')", flags, [sink.url], tmp_path):
        counted.append((tmp_path / "counts" / "program.cover").read_text())
        assert (plain.code, plain.out.splitlines()[0], plain.err) == (
            watched.code,
            watched.out.splitlines()[0],
            watched.err,
        )
    assert "    1: work()" in counted[0] or "    2: work()" in counted[0]


HEADROOM = (
    BUSY
    + """
import io, sys
stream = io.StringIO()
loud = logging.getLogger("loud")
loud.propagate = False
loud.addHandler(logging.StreamHandler(stream))
def at(depth, function):
    return at(depth - 1, function) if depth else function()
def least(function):
    "Frames that must be left for a function to succeed."
    for left in range(5, 400):
        try:
            at(sys.getrecursionlimit() - left, function)
        except RecursionError:
            continue
        return left
for function in (lambda: loud.warning("deep"), lambda: client.get("/1")):
    function()
    print(least(function))
"""
)


def test_near_the_recursion_limit_only_the_wrappers_own_frames_are_missing(sink: Sink, tmp_path: Path) -> None:
    ((plain, watched),) = compared(HEADROOM, (), [sink.url], tmp_path)
    assert (plain.err, watched.err) == ("", "")
    (log, request), (log_watched, request_watched) = (map(int, ended.out.split()) for ended in (plain, watched))
    # `call_handlers` and `wsgi_app`: a frame each, and one more where the interpreter counts differently.
    assert log_watched <= log + 2
    assert request_watched <= request + 2


TOLD_OF_WRITES = """
import os, sys
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
CHANGES = ("os.mkdir", "os.rename", "os.remove", "os.symlink", "os.chmod", "tempfile.mkstemp")
def watch(event, arguments):
    opened = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING
    if opened or event in CHANGES: print(event, arguments)
sys.addaudithook(watch)
"""


def test_nothing_is_written_to_the_disk(sink: Sink, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(TOLD_OF_WRITES)
    ((plain, watched),) = compared(BUSY + THOROUGH, (), [sink.url], tmp_path, PYTHONPATH=f"{tmp_path}:{PACKAGE.parent}")
    assert plain.out.endswith("end\n")
    assert watched == plain


def signature_of(function: Any) -> Optional[inspect.Signature]:
    """None of what is written in C and does not tell."""
    try:
        return inspect.signature(getattr(function, "__func__", function))
    except ValueError:
        return None


# Private, and awaited where it is called; a frame of ours would move the line that aiohttp's warnings point at.
RETURN_A_COROUTINE = {"ClientSession._request"}


def test_what_is_replaced_keeps_its_kind_its_name_and_its_signature() -> None:
    patcher = Patcher()
    recorder = Recorder("shop", 1.0, lambda: None)
    install(patcher, recorder, Config("shop"))
    try:
        for name in sorted({module for modules in _MODULES.values() for module, _, _ in modules}):
            if not name.startswith("opentelemetry."):
                importlib.import_module(name)
        assert len(patcher._patches) > 30
        for owner, name, original, replacement in patcher._patches:
            place = f"{owner.__name__}.{name}"
            if isinstance(original, type):
                assert issubclass(replacement, original), place
                continue
            if place not in RETURN_A_COROUTINE:
                assert inspect.iscoroutinefunction(replacement) == inspect.iscoroutinefunction(original), place
            assert inspect.isgeneratorfunction(replacement) == inspect.isgeneratorfunction(original), place
            assert inspect.isasyncgenfunction(replacement) == inspect.isasyncgenfunction(original), place
            assert type(replacement) is type(original) or not isinstance(original, classmethod), place
            # Below 3.10 a class method has no name of its own.
            replacement, original = (getattr(method, "__func__", method) for method in (replacement, original))
            assert replacement.__name__ == original.__name__, place
            assert replacement.__qualname__ == original.__qualname__, place
            assert replacement.__doc__ == original.__doc__, place
            assert signature_of(replacement) == signature_of(original), place
    finally:
        recorder.active = False
        patcher.restore()
