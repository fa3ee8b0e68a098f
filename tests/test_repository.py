"""What the repository promises of itself."""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.discord.settings import DiscordSettings
from adapters.telegram.settings import TelegramSettings
from adapters.web.settings import WebSettings
from bot.settings import Settings
from tests.processes import ROOT

SOURCES = sorted(
    path
    for folder in ("bot", "adapters", "simulator", "benchmarks", "workflows")
    for path in (ROOT / folder).rglob("*.py")
)
UNIX_ONLY = {"fcntl", "pwd", "grp", "resource", "termios", "tty", "pty", "curses", "syslog"}
UNIX_CALLS = {"fork", "forkpty", "open_unix_connection", "start_unix_server", "mkfifo", "getuid", "chown"}


def test_the_example_names_every_setting_and_no_other() -> None:
    """`.env.example` is the list of settings."""
    named = re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    fields = [
        *Settings.model_fields,
        *WebSettings.model_fields,
        *DiscordSettings.model_fields,
        *TelegramSettings.model_fields,
    ]
    assert sorted(named) == sorted(field.upper() for field in fields)
    assert len(set(named)) == len(named)


def test_the_example_gives_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands there without a # is what holds without the file."""
    monkeypatch.chdir(tmp_path)
    for field in (
        *Settings.model_fields,
        *WebSettings.model_fields,
        *DiscordSettings.model_fields,
        *TelegramSettings.model_fields,
    ):
        monkeypatch.delenv(field.upper(), raising=False)
    without = Settings(), WebSettings(), DiscordSettings(), TelegramSettings()
    shutil.copy(ROOT / ".env.example", tmp_path / ".env")
    assert (Settings(), WebSettings(), DiscordSettings(), TelegramSettings()) == without


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_it_runs_on_windows(path: Path) -> None:
    """No module or call that is Unix's alone, but after a look at the platform; signal handlers of a loop
    have a fallback."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports: list[ast.stmt] = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert UNIX_ONLY.isdisjoint(_imported(ast.Module(body=imports, type_ignores=[])))
    if not UNIX_ONLY.isdisjoint(_imported(tree)):
        assert 'sys.platform == "win32"' in path.read_text(encoding="utf-8")
    assert UNIX_CALLS.isdisjoint(_called(tree))
    if "add_signal_handler" in set(_called(tree)):
        assert "NotImplementedError" in path.read_text(encoding="utf-8")


def test_broad_excepts_stand_where_they_may() -> None:
    """In a worker's loop, an adapter's callback and a socket's reader, and each of them logs."""
    found = {
        str(path.relative_to(ROOT).as_posix())
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler) and _broad(node)
    }
    assert {name for name in found if not name.startswith("simulator/")} <= {
        "adapters/discord/desk.py",
        "adapters/discord/publish.py",
        "adapters/telegram/albums.py",
        "adapters/telegram/desk.py",
        "adapters/telegram/publish.py",
        "adapters/telegram/receive.py",
        "adapters/web/adapter.py",
        "bot/app.py",
        "bot/comfy/listener.py",
        "bot/comfy/watch.py",
        "bot/delivery/deliverer.py",
        "bot/worker/worker.py",
    }


def _broad(node: ast.ExceptHandler) -> bool:
    return node.type is None or (isinstance(node.type, ast.Name) and node.type.id == "Exception")


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module.split(".")[0]


def _called(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func.attr
