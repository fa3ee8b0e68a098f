"""What the repository promises of itself."""

from __future__ import annotations

import ast
import re
import shutil
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


def test_broad_excepts_stand_where_they_may() -> None:
    """In a worker's loop, an adapter's callback and a socket's reader, and each of them logs.

    And where strangers' code is measured, and where reads share a transaction: each error goes to who asked.
    """
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
        "benchmarks/peers.py",
        "bot/app.py",
        "bot/comfy/health.py",
        "bot/comfy/listener.py",
        "bot/comfy/watch.py",
        "bot/delivery/deliverer.py",
        "bot/delivery/front.py",
        "bot/fleet.py",
        "bot/service/families.py",
        "bot/service/shelf.py",
        "bot/store/sqlite.py",
        "bot/worker/record.py",
        "bot/worker/worker.py",
    }


def _broad(node: ast.ExceptHandler) -> bool:
    """Whether it keeps what nobody expected; one that raises it again looks at it only."""
    if any(isinstance(inner, ast.Raise) and inner.exc is None for inner in ast.walk(node)):
        return False
    return node.type is None or (isinstance(node.type, ast.Name) and node.type.id == "Exception")
