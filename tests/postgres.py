"""PostgreSQL for tests: a server of their own in a private folder, and a database for each."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.processes import free_port

START_SECONDS = 60

_DROP_OTHERS = """\
DO $$ DECLARE other record; BEGIN
    FOR other IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN ({known})
    LOOP EXECUTE format('DROP TABLE %I CASCADE', other.tablename); END LOOP;
END $$"""


def binaries() -> Path | None:
    """Where the newest installed server's programs lie; Debian keeps them out of the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    there = shutil.which("initdb")
    return Path(there).resolve().parent if there else None


class Server:
    """One server that can be killed and started again, always at the same address."""

    def __init__(self, programs: Path, *, durable: bool = False) -> None:
        """`durable`: what is committed is on the disk, as it has to be where the machine may be killed."""
        self._durable = durable
        self._programs = programs
        self._folder = Path(tempfile.mkdtemp(prefix="muralist-postgres-"))
        self._user = "postgres" if hasattr(os, "geteuid") and os.geteuid() == 0 else None
        if self._user:
            shutil.chown(self._folder, self._user)  # the server refuses to run as root
        data = str(self._folder / "data")
        self._run("initdb", "-D", data, "-U", "muralist", "-A", "trust", "-E", "UTF8", "--no-locale")
        self.port = free_port()  # only now: another program may take it meanwhile
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, name: str) -> str:
        """The settings' name of a database."""
        return f"postgresql+asyncpg://muralist@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(self._programs / "postgres"),
                    *("-D", str(self._folder / "data"), "-p", str(self.port), "-h", "127.0.0.1", "-k", ""),
                    # what tests kill is the server, never the machine
                    *("-c", f"fsync={'on' if self._durable else 'off'}"),
                ],
                cwd=self._folder,
                stdout=log,
                stderr=log,
                user=self._user,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._ready():
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL to all of it, as a power cut does. The children end by themselves when their parent is gone."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End it and take its folder away."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def log(self) -> str:
        """What it wrote."""
        return (self._folder / "log").read_text(errors="replace")

    def create(self, name: str, template: str = "template1") -> str:
        """A new database, as the template is. Says its URL."""
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "muralist", "-T", template, name)
        return self.url(name)

    def drop(self, name: str) -> None:
        """Away with it, whoever is connected."""
        self._run("dropdb", "-f", "-h", "127.0.0.1", "-p", str(self.port), "-U", "muralist", name)

    def empty(self, name: str, tables: Sequence[str]) -> None:
        """Have a database with these tables alone and no rows in them, and nobody connected to it."""
        others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        known = ", ".join(f"'{table}'" for table in (*tables, "alembic_version"))
        self._run(
            *("psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "muralist", "-d", name),
            *("-q", "-X", "-v", "ON_ERROR_STOP=1"),
            *("-c", f"SELECT pg_terminate_backend(pid) {others}"),
            *("-c", _DROP_OTHERS.format(known=known)),
            *("-c", f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE"),
        )

    def _ready(self) -> bool:
        asked = [str(self._programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(asked, check=False).returncode == 0

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._programs / program), *arguments],
            cwd=self._folder,
            check=True,
            user=self._user,
            stdout=subprocess.DEVNULL,
            stderr=sys.stderr,
        )


@contextmanager
def running() -> Iterator[Server]:
    """A server while the block lasts. Where none is installed the test is skipped; in CI it fails."""
    programs = binaries()
    if programs is None:
        sentence = "PostgreSQL is not installed (Debian: apt install postgresql)"
        if os.environ.get("CI") == "true":
            pytest.fail(sentence)
        pytest.skip(sentence)
    server = Server(programs)
    try:
        server.start()
        yield server
    finally:
        server.stop()
