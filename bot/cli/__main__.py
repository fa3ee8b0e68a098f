"""`python -m bot.cli`: for what starts Muralist without its console script."""

from __future__ import annotations

from bot.cli.main import main

main()
