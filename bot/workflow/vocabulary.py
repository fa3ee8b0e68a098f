"""The owner's words: wildcards (`wildcards/*.txt`) and styles (`styles.toml`) in some folders.

A wildcard's name is its file's path below `wildcards`, without the ending: what people write is looked up among these
names, and never becomes a path.
"""

from __future__ import annotations

import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from pydantic import BaseModel, ConfigDict, RootModel, ValidationError

from bot.errors import ConfigError

log = structlog.get_logger(__name__)

MOST_BYTES = 4 * 2**20
"""A larger file is no list of words."""

LOOK_SECONDS = 2.0
"""How often it is looked whether the owner has changed something."""


class Style(BaseModel):
    """One table of `styles.toml`: `{prompt}` stands for what a person writes."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    title: str | None = None
    prompt: str = "{prompt}"
    negative: str = ""

    def of(self, prompt: str) -> str:
        """The prompt in this style."""
        if "{prompt}" in self.prompt:
            return self.prompt.replace("{prompt}", prompt)
        return ", ".join(part for part in (prompt, self.prompt) if part)


class _Styles(RootModel[dict[str, Style]]):
    """The whole of `styles.toml`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Vocabulary:
    """Lines of wildcards by name in lower case, and styles by name."""

    wildcards: Mapping[str, Sequence[str]] = field(default_factory=dict)
    styles: Mapping[str, Style] = field(default_factory=dict)


NO_WORDS = Vocabulary()


class Words:
    """The vocabulary of some folders as it is now; of two things with one name the later folder's counts."""

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        """Raises `ConfigError` for a file of styles that is wrong."""
        self._folders = tuple(folders)
        self._seen = _state(self._folders)
        self._known = read_vocabulary(self._folders)
        self._looked = time.monotonic()

    def now(self) -> Vocabulary:
        """What is known. A file that has become wrong is logged, and what was known before holds."""
        if time.monotonic() - self._looked > LOOK_SECONDS:
            self._looked = time.monotonic()
            seen = _state(self._folders)
            if seen != self._seen:
                self._seen = seen
                try:
                    self._known = read_vocabulary(self._folders)
                except ConfigError as error:
                    log.error("styles are left as they were", reason=str(error))
        return self._known


def read_vocabulary(folders: Sequence[Path]) -> Vocabulary:
    """What lies in some folders. Raises `ConfigError` for a file of styles that is wrong."""
    wildcards: dict[str, Sequence[str]] = {}
    styles: dict[str, Style] = {}
    for folder in folders:
        for name, path in _wildcard_files(folder):
            lines = _lines(path)
            if lines:
                wildcards[name] = lines
        styles |= _styles(folder / "styles.toml")
    return Vocabulary(wildcards=wildcards, styles=styles)


def _state(folders: Sequence[Path]) -> tuple[object, ...]:
    """What changes when a file does."""
    paths = [path for folder in folders for _, path in _wildcard_files(folder)]
    paths += [folder / "styles.toml" for folder in folders if (folder / "styles.toml").is_file()]
    return tuple((path, (about := path.stat()).st_mtime_ns, about.st_size) for path in paths)


def _wildcard_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Names and files, those alone that really lie there: no link leads out."""
    top = folder / "wildcards"
    if not top.is_dir():
        return
    inside = top.resolve()
    for path in sorted(top.rglob("*.txt")):
        real = path.resolve()
        if real.is_file() and real.is_relative_to(inside):
            yield path.relative_to(top).with_suffix("").as_posix().casefold(), path


def _lines(path: Path) -> tuple[str, ...]:
    """The lines of a file that say something; those that begin with # are for its owner."""
    if path.stat().st_size > MOST_BYTES:
        log.warning("a wildcard is too large and left out", file=path.name, most=MOST_BYTES)
        return ()
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    lines = (line.strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def _styles(path: Path) -> Mapping[str, Style]:
    if not path.is_file():
        return {}
    try:
        found = _Styles.model_validate(tomllib.loads(path.read_text(encoding="utf-8-sig"))).root
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name} is not TOML: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{path.name}: {where}: {first['msg']}.") from error
    return found
