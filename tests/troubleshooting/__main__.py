"""`python -m tests.troubleshooting`: writes docs/troubleshooting.md anew."""

from __future__ import annotations

from tests.troubleshooting.page import PAGE, page
from tests.troubleshooting.sentences import Finder
from tests.troubleshooting.sources import Sources

if __name__ == "__main__":
    PAGE.write_text(page(Finder(Sources())), encoding="utf-8", newline="\n")
