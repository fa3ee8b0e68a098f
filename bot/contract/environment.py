"""Where settings lie."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_config_path


def home_env() -> Path:
    """The settings of this person's installation, wherever they start it from."""
    return user_config_path("muralist", appauthor=False) / ".env"


def env_files() -> tuple[Path, Path]:
    """The files that settings are read from; what stands in the later one counts, the environment most."""
    return home_env(), Path(".env")
