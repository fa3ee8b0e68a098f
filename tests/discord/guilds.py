"""Measures the bot in many servers: `python -m tests.discord.guilds`. Its start, and its memory at the most.

Each server has 40 channels, 25 roles with overwrites in every channel, and 50 emojis, as a busy one has.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.discord.double import Discord, serving
from tests.discord.payloads import TOKEN, large_guild_json
from tests.processes import bot_program, free_port

COUNTS = (1, 100, 1000)


async def main(counts: tuple[int, ...]) -> None:
    """Print a line for each number of servers."""
    _say("| servers | until all are known, s | processor time of that, s | memory, MiB |")
    _say("|---|---|---|---|")
    for count in counts:
        known, busy, memory = await measure(count)
        _say(f"| {count} | {known:.1f} | {busy:.1f} | {memory:.0f} |")


async def measure(count: int) -> tuple[float, float, float]:
    """Seconds from the start until the bot has taken in all servers, those of its processor, and its memory then."""
    discord = Discord(guilds=count, guild=large_guild_json)
    with tempfile.TemporaryDirectory() as folder:
        async with serving(discord):
            nowhere = f"http://127.0.0.1:{free_port()}"
            settings = {"DISCORD_TOKEN": TOKEN, "DISCORD_API_BASE": discord.api}
            bot = bot_program(Path(folder), nowhere, **settings)
            begun = time.monotonic()
            await bot.start()
            await discord.until(lambda: "connected to Discord" in bot.log.read_text(), 300)
            known = time.monotonic() - begun
            busy, memory = _processor_seconds(bot.pid), _mebibytes(bot.pid, "VmHWM")
            await bot.stop()
    return known, busy, memory


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _mebibytes(pid: int, field: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


if __name__ == "__main__":
    asyncio.run(main(tuple(int(text) for text in sys.argv[1:]) or COUNTS))
