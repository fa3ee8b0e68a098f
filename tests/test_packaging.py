"""What is installed from a wheel is whole: nothing is only there in a checkout."""

from __future__ import annotations

import asyncio
import shutil
import sys
import zipfile
from pathlib import Path

import aiohttp
import pytest

from tests.processes import ROOT, Program, free_port

PARTS = ("bot", "adapters", "simulator", "workflows")


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of this checkout, unpacked as an installer does."""
    folder = tmp_path_factory.mktemp("packaging")
    source = folder / "source"
    for part in PARTS:
        shutil.copytree(ROOT / part, source / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source)
    asyncio.run(_build(source, folder))
    (wheel,) = folder.glob("muralist-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def _files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


async def _build(source: Path, target: Path) -> None:
    options = ("--no-deps", "--no-build-isolation", "--quiet", "--wheel-dir", str(target))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pip", "wheel", *options, str(source)
    )
    assert await process.wait() == 0


async def test_the_installed_command_knows_its_workflows(installed: Path, tmp_path: Path) -> None:
    """And it is the installed one, not the checkout's."""
    asked = "import bot, sys; print(bot.__file__); from bot.cli import main; main()"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        asked,
        "workflow",
        "list",
        cwd=tmp_path,
        env={"PYTHONPATH": str(installed), "DATA_DIR": str(tmp_path), "PATH": "", "HOME": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    lines = out.decode().splitlines()
    assert process.returncode == 0
    assert lines[0] == str(installed / "bot" / "__init__.py")
    listed = [line.split()[0] for line in lines[1:] if not line.startswith(" ")]
    assert listed == sorted(path.parent.name for path in (ROOT / "workflows").glob("*/workflow.toml"))


async def test_the_installed_bot_serves_its_page_and_keeps_its_database(
    installed: Path, tmp_path: Path
) -> None:
    """Migrations and static files travel with it, and nothing is written into the installation."""
    before = _files(installed)
    port = free_port()
    environment = {
        "PYTHONPATH": str(installed),
        "PYTHONDONTWRITEBYTECODE": "1",
        "DATA_DIR": str(tmp_path / "data"),
        "COMFYUI_URLS": "http://127.0.0.1:1",
        "WEB_PORT": str(port),
    }
    arguments = ["-c", "from bot.cli import main; main()", "run"]
    program = Program(arguments, f"http://127.0.0.1:{port}", "/healthz", environment, tmp_path / "bot.log")
    await program.start()
    try:
        async with aiohttp.ClientSession() as session:
            for path in ("/", "/docs", "/static/app.js", "/openapi.json"):
                async with session.get(program.url + path) as answer:
                    assert answer.status == 200, path
    finally:
        assert await program.stop() == 0
    assert (tmp_path / "data" / "muralist.db").is_file()
    assert _files(installed) == before


def test_the_wheel_holds_what_the_checkout_holds(installed: Path) -> None:
    """Every file of the packages that is not Python's own by-product."""
    for part in PARTS:
        here = {path.relative_to(ROOT) for path in (ROOT / part).rglob("*") if path.is_file()}
        wanted = {path for path in here if "__pycache__" not in path.parts}
        assert wanted <= {path.relative_to(installed) for path in installed.rglob("*")}, part
