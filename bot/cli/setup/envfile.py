"""Writing settings into a `.env` that nobody else may read."""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from dotenv import set_key

from bot.contract.environment import home_env
from bot.errors import ConfigError


def env_file() -> Path:
    """The `.env` of this folder if there is one or this is a checkout, else that of this person's installation."""
    here = Path(".env")
    return here.absolute() if here.exists() or Path("pyproject.toml").is_file() else home_env()


def write_env(path: Path, values: Mapping[str, str]) -> None:
    """Set these settings and leave everything else in the file as it is. Raises `ConfigError`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _make_private(path)
        for name, value in values.items():
            set_key(path, name, value, quote_mode="auto", encoding="utf-8")
        _make_private(path)
    except OSError as error:
        raise ConfigError(
            f"{path} can't be written: {error.strerror}. Free some space or run setup elsewhere."
        ) from error


def _make_private(path: Path) -> None:
    """Only its owner may read it, from before the first secret is in it."""
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    if sys.platform == "win32":
        command = ["icacls", str(path), "/inheritance:r", "/grant:r", f"{getpass.getuser()}:F"]
        subprocess.run(command, check=False, capture_output=True)
    else:
        path.chmod(0o600)
