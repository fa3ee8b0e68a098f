"""What axe finds on a page."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from playwright.async_api import Page


async def check(page: Page) -> None:
    """Run axe. What it calls serious or critical fails the test."""
    await page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    found: list[Any] = await page.evaluate(
        """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations
            .filter(one => ["serious", "critical"].includes(one.impact))
            .map(({ id, nodes }) => [id, nodes.map(one => [one.html.slice(0, 200), one.failureSummary])])"""
    )
    assert found == []
