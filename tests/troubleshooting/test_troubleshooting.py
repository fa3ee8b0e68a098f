"""docs/troubleshooting.md is complete and current."""

from __future__ import annotations

import pkgutil
import re
from importlib import import_module
from pathlib import Path

import pytest

import adapters
import bot
from bot import errors
from bot.comfy.refusals import MEND
from bot.errors import MuralistError
from tests.troubleshooting.page import PAGE, cure_of, page
from tests.troubleshooting.sentences import GAP, Finder
from tests.troubleshooting.sources import Sources


@pytest.fixture(scope="module")
def finder() -> Finder:
    """What the sources say."""
    return Finder(Sources())


def test_the_page_is_current(finder: Finder) -> None:
    """`python -m tests.troubleshooting` writes it anew."""
    assert PAGE.read_text(encoding="utf-8") == page(finder)


def test_the_words_of_every_error_are_found(finder: Finder) -> None:
    """Wherever one is made in the sources."""
    assert finder.unread == []


def test_every_class_of_the_tree_has_a_cure(finder: Finder) -> None:
    """Its own in the tree itself; what derives from it elsewhere may take that over."""
    for package in (bot, adapters):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith(("__main__", ".env")) and ".migrations" not in module.name:
                import_module(module.name)
    tree = [MuralistError]
    for each in tree:
        tree += [below for below in each.__subclasses__() if below not in tree]
    product = {each.__name__: each for each in tree if each.__module__.startswith(("bot.", "adapters."))}
    assert product.keys() == finder.classes.keys()
    assert len(product) > 30
    for name, found in product.items():
        assert cure_of(finder, finder.classes[name]) == found.cure
        assert found.cure.endswith((".", ".)"))
        if found.__module__ == errors.__name__:
            assert "cure" in vars(found), name


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("NoBackend", "ComfyUI does not answer at 127.0.0.1:1. Start it, then send the command again."),
        ("InvalidValue", 'Sampler "nope" is not offered. There is: euler, dpmpp_2m.'),
        ("InvalidValue", "Seed must be a number from 0 to 18446744073709551615, not -5. The nearest is 0."),
        ("MediaTooLarge", "fox.png is too large: at most 25 MB. Send a smaller one."),
        ("MediaRejected", "That picture has too many pixels: at most 50 megapixels. Shrink it."),
        ("Stale", "That has expired. Send the command again."),
        ("Closed", "Something else than ComfyUI answers at gpu:8188. Check the address."),
        ("Refused", f"The workflow runs in a circle at the node KSampler. {MEND}"),
        ("OutOfMemory", "The GPU ran out of memory. Try a smaller size or fewer pictures."),
        (
            "ConfigError",
            "The page can't be served at 127.0.0.1:8190 (address in use). "
            "Stop what uses that port, or set WEB_PORT to another.",
        ),
        (
            "NotListed",
            "This bot is private. Your id is 1234, this chat's is -5. Its owner can let you in: /allow -5, or the "
            "setting TELEGRAM_ALLOWED.",
        ),
    ],
)
def test_sentences_as_people_read_them_are_on_the_page(finder: Finder, kind: str, sentence: str) -> None:
    """Constants, what functions return, what callers pass, and what stands in tables."""
    assert any(_pattern(each).fullmatch(sentence) for each in finder.classes[kind].sentences)


def test_words_that_can_not_be_followed_are_noticed(tmp_path: Path) -> None:
    """So that nobody forgets a sentence."""
    (tmp_path / "bot").mkdir()
    (tmp_path / "bot" / "errors.py").write_text(
        "class MuralistError(Exception):\n    cure = 'Look.'\n\nclass Odd(MuralistError):\n    code = 'odd'\n"
    )
    (tmp_path / "bot" / "work.py").write_text(
        "from bot.errors import Odd\n\nWHY = 'It is odd. Try again.'\n\n"
        "def known(): raise Odd(WHY)\n\n"
        "def passed(text): raise Odd(text)\n\n"
        "def caller(): passed(f'{1} is odd. Take another.')\n\n"
        "def lost(answer): raise Odd(answer['why'])\n"
    )
    finder = Finder(Sources(tmp_path))
    assert finder.classes["Odd"].sentences == {"It is odd. Try again.", "… is odd. Take another."}
    assert finder.unread == ["bot.work:11 Odd(answer['why'])"]


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in template.split(GAP)), re.DOTALL)
