"""Starting Muralist with the machine: a systemd user unit on Linux, a task on Windows, an agent on macOS."""

from __future__ import annotations

import plistlib
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bot.errors import ConfigError

LABEL = "muralist"

_UNIT = """[Unit]
Description=Muralist, a chat bot for ComfyUI
After=network-online.target

[Service]
ExecStart={command}
WorkingDirectory={folder}
Restart=on-failure
RestartSec=10

[Install]
WantedBy=default.target
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Autostart:
    """What is written where, and which commands make the system take it up."""

    file: Path
    content: bytes
    commands: tuple[tuple[str, ...], ...]
    also: tuple[tuple[str, ...], ...] = ()
    """Commands that are good to have done, but that some systems refuse."""
    undo: str


def plan(folder: Path, home: Path, platform: str = sys.platform) -> Autostart:
    """How Muralist is started with this machine, in `folder`."""
    command = (sys.executable, "-m", "bot.cli", "run")
    if platform == "win32":
        return _windows(command, folder)
    if platform == "darwin":
        return _macos(command, folder, home)
    return _linux(command, folder, home)


def install(wanted: Autostart) -> None:
    """Do it. Raises `ConfigError` that says what the system answered."""
    wanted.file.parent.mkdir(parents=True, exist_ok=True)
    wanted.file.write_bytes(wanted.content)
    for command in wanted.commands:
        _do(command)
    for command in wanted.also:
        with suppress(ConfigError):
            _do(command)


def _do(command: tuple[str, ...]) -> None:
    program = shutil.which(command[0])
    if program is None:
        raise ConfigError(f"This machine has no {command[0]}. Start `muralist run` by what it uses instead.")
    done = subprocess.run([program, *command[1:]], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise ConfigError(f"{' '.join(command)} failed: {said[-1] if said else done.returncode}")


def _linux(command: tuple[str, ...], folder: Path, home: Path) -> Autostart:
    unit = _UNIT.format(
        command=" ".join(_quoted(part) for part in command), folder=str(folder).replace("%", "%%")
    )
    return Autostart(
        file=home / ".config" / "systemd" / "user" / f"{LABEL}.service",
        content=unit.encode(),
        commands=(
            ("systemctl", "--user", "daemon-reload"),
            ("systemctl", "--user", "enable", "--now", LABEL),
        ),
        also=(("loginctl", "enable-linger"),),  # from the machine's start, not from the first login
        undo=f"systemctl --user disable --now {LABEL}",
    )


def _quoted(part: str) -> str:
    """As systemd reads a command's part."""
    escaped = part.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'


def _macos(command: tuple[str, ...], folder: Path, home: Path) -> Autostart:
    agent = {
        "Label": LABEL,
        "ProgramArguments": list(command),
        "WorkingDirectory": str(folder),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
    }
    file = home / "Library" / "LaunchAgents" / f"{LABEL}.plist"
    return Autostart(
        file=file,
        content=plistlib.dumps(agent),
        commands=(("launchctl", "load", "-w", str(file)),),
        undo=f"launchctl unload -w {file}",
    )


def _windows(command: tuple[str, ...], folder: Path) -> Autostart:
    """A script that changes into the folder, and a task that runs it when this person logs on."""
    script = folder / "muralist-start.cmd"
    line = subprocess.list2cmdline(command)
    task = ("schtasks", "/Create", "/F", "/SC", "ONLOGON", "/TN", LABEL, "/TR", f'"{script}"')
    return Autostart(
        file=script,
        content=f'@echo off\r\ncd /d "{folder}"\r\n{line}\r\n'.encode(),
        commands=(task, ("schtasks", "/Run", "/TN", LABEL)),
        undo=f"schtasks /Delete /TN {LABEL}",
    )
