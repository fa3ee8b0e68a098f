"""What the owner says of people and places is read as it is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.contract.levels import Level
from bot.contract.values import Place
from bot.errors import ConfigError
from bot.scheduling.allowance import Allowance
from bot.service.policy import Policy
from bot.settings import read_settings


def test_settings_become_a_policy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """All of them, the file of words too."""
    monkeypatch.chdir(tmp_path)
    assert read_settings().policy == Policy()
    (tmp_path / "words.txt").write_text("# not nice\ngore  # at all\n\nblood bath\n", encoding="utf-8")
    values = {
        "LEVELS": "Discord:1=trusted, discord-role:2 = Moderator, web:user:ann=guest,telegram-administrator:-5=trusted",
        "DEFAULT_LEVEL": "guest",
        "LEVEL_WEIGHTS": "guest=0.25",
        "MOST_WAITING_BY_LEVEL": "guest=2,member=9",
        "GPU_SECONDS_A_DAY": "guest=300,member=3600.5",
        "WORKFLOW_LEVELS": "/animate=trusted",
        "ALLOWED_PLACES": "discord:7, Telegram:-100",
        "AGE_RESTRICTED_WORDS": "nud*",
        "AGE_RESTRICTED_WORDS_FILE": "words.txt",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    policy = read_settings().policy
    assert policy == Policy(
        levels={
            "discord:1": Level.TRUSTED,
            "discord-role:2": Level.MODERATOR,
            "web:user:ann": Level.GUEST,
            "telegram-administrator:-5": Level.TRUSTED,
        },
        default=Level.GUEST,
        weights={Level.GUEST: 0.25, Level.TRUSTED: 2.0, Level.MODERATOR: 2.0},
        waiting={Level.GUEST: 2, Level.MEMBER: 9},
        seconds={Level.GUEST: 300.0, Level.MEMBER: 3600.5},
        workflows={"animate": Level.TRUSTED},
        places=frozenset({"discord:7", "telegram:-100"}),
        words=("nud*", "gore", "blood bath"),
    )
    assert policy.allowance(Level.GUEST) == Allowance(weight=0.25, waiting=2, seconds=300.0)
    assert policy.allowance(Level.TRUSTED) == Allowance(weight=2.0, waiting=None, seconds=None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LEVELS", "discord:1"),
        ("LEVELS", "discord:1=king"),
        ("DEFAULT_LEVEL", "king"),
        ("LEVEL_WEIGHTS", "guest=0"),
        ("LEVEL_WEIGHTS", "guest=inf"),
        ("GPU_SECONDS_A_DAY", "guest=-1"),
        ("GPU_SECONDS_A_DAY", "guest=many"),
        ("MOST_WAITING_BY_LEVEL", "guest=1.5"),
        ("AGE_RESTRICTED_WORDS_FILE", "/nowhere"),
    ],
)
def test_wrong_ones_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str) -> None:
    """When they are read, not when somebody comes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=f"^{name}: "):
        read_settings()


def test_roles() -> None:
    """The best counts, but one that blocks before all."""
    policy = Policy(levels={"r:1": Level.TRUSTED, "r:2": Level.MODERATOR, "r:3": Level.BLOCKED})
    assert policy.role_level(["r:9"]) is None
    assert policy.role_level(["r:1", "r:2", "r:9"]) is Level.MODERATOR
    assert policy.role_level(["r:1", "r:3", "r:2"]) is Level.BLOCKED


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a fox in the snow", None),
        ("GORE!", "gore"),
        ("a gor\u200be fox", "gore"),
        ("gore\u0301", "gore"),
        ("gory", None),
        ("Nudity, tasteful", "nud*"),
        ("denuded hills", None),
        ("a blood-bath", "blood bath"),
        ("blood in a bath", None),
        ("big_gore", "gore"),
    ],
)
def test_words(text: str, found: str | None) -> None:
    """Whole words without case, accents and what nobody sees; a star is any ending."""
    assert Policy(words=("gore", "nud*", "blood bath")).word_in(text) == found


def test_listed_places() -> None:
    """A platform that is not named is served everywhere; what is part of a listed place is listed."""
    policy = Policy(places=frozenset({"discord:7"}))
    assert policy.listed(Place(platform="web", external_id="x")) is None
    assert policy.listed(Place(platform="discord", external_id="70", within=("7",))) is True
    assert policy.listed(Place(platform="discord", external_id="70", within=("8",))) is False
