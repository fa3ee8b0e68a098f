"""What does not run on Windows, ComfyUI's home, is not in the sources."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import ROOT

SOURCES = sorted(
    path
    for folder in ("bot", "adapters", "simulator", "benchmarks", "workflows")
    for path in (ROOT / folder).rglob("*.py")
)

MODULES = {
    *("fcntl", "pwd", "grp", "resource", "termios", "tty", "pty", "curses", "syslog", "readline", "crypt"),
    "select",  # it takes only sockets there
    "zoneinfo",  # there are no time zones without the package tzdata
}
CALLS = {
    *(
        "fork",
        "forkpty",
        "posix_spawn",
        "getuid",
        "geteuid",
        "getgid",
        "getegid",
        "setuid",
        "setgid",
        "chown",
    ),
    *(
        "getpgid",
        "killpg",
        "setsid",
        "setpgid",
        "uname",
        "nice",
        "getloadavg",
        "sysconf",
        "statvfs",
    ),
    *("mkfifo", "pipe2", "sched_getaffinity", "sched_setaffinity", "getpwuid", "getgrgid", "tzset"),
    *("setitimer", "sigwait", "siginterrupt", "pthread_kill", "openpty", "ttyname", "sendfile", "wait4"),
    *("create_unix_connection", "create_unix_server", "open_unix_connection", "start_unix_server"),
    *("add_reader", "add_writer", "get_child_watcher", "add_child_handler"),  # a Proactor loop has none
    *("symlink", "symlink_to"),  # only for administrators
}
NAMES = {
    *(
        "SIGKILL",
        "SIGHUP",
        "SIGUSR1",
        "SIGUSR2",
        "SIGQUIT",
        "SIGCHLD",
        "SIGALRM",
        "SIGPIPE",
        "SIGSTOP",
        "SIGTSTP",
    ),
    *(
        "SIGCONT",
        "SIGWINCH",
        "AF_UNIX",
        "SO_REUSEPORT",
        "O_NOFOLLOW",
        "O_DIRECTORY",
        "O_CLOEXEC",
        "O_NONBLOCK",
    ),
    *("SelectorEventLoop", "WindowsSelectorEventLoopPolicy"),  # no subprocesses with these there
}
"""Attributes of os, signal, socket and asyncio."""

RENAMES = ("os.rename", "os.renames")
"""These refuse to overwrite there; `replace` does not."""

OPTIONS = {"preexec_fn", "start_new_session", "process_group", "pass_fds"}
ONLY_UNIX_HAS = re.compile(r"^/(tmp|var|dev|etc|usr|proc|home|run)(/|$)")
UNIX_FORMAT = re.compile(r"%-[a-zA-Z]")
NOT_IN_NAMES = re.compile(r'[<>:"|?*\\\x00-\x1f]|[. ]$')
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


def complaints(source: str) -> list[str]:
    """What in a module does not run on Windows; what stands behind a look at `sys.platform` may."""
    tree = ast.parse(source)
    return [found for node in _unguarded(tree) for found in _complaints(node)]


def _unguarded(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes, but for functions that look at the platform first."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and _looks_first(child):
            continue
        yield child
        yield from _unguarded(child)


def _looks_first(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    tests = [ast.unparse(node.test) for node in ast.walk(function) if isinstance(node, ast.If)]
    return any("sys.platform" in test for test in tests)


def _complaints(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            yield from (f"import {each.name}" for each in names if each.name.split(".")[0] in MODULES)
        case ast.ImportFrom(module=str() as module):
            if module.split(".")[0] in MODULES:
                yield f"from {module}"
        case ast.Call():
            yield from _of_call(node)
        case ast.Attribute(value=ast.Name(id="os" | "signal" | "socket" | "asyncio"), attr=name):
            if name in NAMES:
                yield name
        case ast.Constant(value=str() as text):
            if ONLY_UNIX_HAS.match(text):
                yield f"the path {text}"


def _of_call(call: ast.Call) -> Iterator[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)
    whole = ast.unparse(call.func)
    options = {word.arg for word in call.keywords}
    if name in CALLS or whole in RENAMES or whole == "os.kill":
        yield f"{whole}()"
    yield from (f"{option}=" for option in OPTIONS & options)
    if name in ("read_text", "write_text") and "encoding" not in options:
        yield f"{name}() without an encoding: not UTF-8 there"
    if name == "open" and _opens_text(call) and "encoding" not in options:
        yield "open() without an encoding: not UTF-8 there"
    if name == "strftime" and any(UNIX_FORMAT.search(ast.unparse(each)) for each in call.args):
        yield "strftime() with %-"


def _opens_text(call: ast.Call) -> bool:
    """Whether a call of `open`, or of a path's `open`, gives words. Other things' `open` says no mode."""
    if ast.unparse(call.func) == "av.open":
        return False  # films
    given = [*call.args, *(word.value for word in call.keywords if word.arg == "mode")]
    texts = [each.value for each in given if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    modes = [text for text in texts if re.fullmatch(r"[rwxabt+]{1,3}", text)]
    if modes:
        return "b" not in modes[0]
    return isinstance(call.func, ast.Name)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_it_runs_on_windows(path: Path) -> None:
    """No module, call, signal, path or format that is Unix's alone, but after a look at the platform."""
    text = path.read_text(encoding="utf-8")
    assert complaints(text) == []
    if "add_signal_handler" in text:
        assert "NotImplementedError" in text


@pytest.mark.parametrize(
    "line",
    [
        "import fcntl",
        "from termios import tcgetattr",
        "import select",
        "os.fork()",
        "os.kill(number, 9)",
        "os.uname()",
        "os.rename(a, b)",
        "signal.signal(signal.SIGHUP, stop)",
        "process.send_signal(signal.SIGKILL)",
        "socket.socket(socket.AF_UNIX)",
        "loop.add_reader(0, read)",
        "asyncio.SelectorEventLoop()",
        "asyncio.start_unix_server(serve)",
        "subprocess.Popen(command, preexec_fn=ready)",
        "now.strftime('%-d.%-m.')",
        "folder = Path('/tmp/muralist')",
        "path.read_text()",
        "path.write_text(words)",
        "open(name)",
        "path.open('a')",
    ],
)
def test_what_does_not_run_there_is_seen(line: str) -> None:
    """In a function and outside; behind a look at the platform it may stand."""
    assert complaints(line)
    assert complaints(f"def work():\n    {line}")
    assert not complaints(f"def work():\n    if sys.platform == 'win32':\n        return\n    {line}")


@pytest.mark.parametrize(
    "line",
    [
        "open(name, 'rb')",
        "path.open('wb')",
        "path.read_text(encoding='utf-8')",
        "await session.open()",
        "path.replace(a)",
    ],
)
def test_what_runs_there_is_let_pass(line: str) -> None:
    """So that the test above is not obeyed for nothing."""
    assert not complaints(f"async def work():\n    {line}")


def test_every_file_can_lie_on_a_windows_disk() -> None:
    """No forbidden letter, no reserved name, no two that differ in case alone, no path that is too long."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.skip("this is no checkout")
    names = sorted({name for name in listed.stdout.decode().split("\0") if name})
    assert len(names) > 400
    parts = {part for name in names for part in name.split("/")}
    assert [part for part in parts if NOT_IN_NAMES.search(part) or RESERVED.match(part)] == []
    assert len({name.casefold() for name in names}) == len(names)
    assert max(len(name) for name in names) < 180
