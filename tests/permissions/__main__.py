"""`python -m tests.permissions`: writes docs/permissions.md anew."""

from __future__ import annotations

from tests.permissions.page import PAGE, page

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
