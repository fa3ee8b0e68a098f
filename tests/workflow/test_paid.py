"""What paid nodes say that a run costs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.comfy.schemas import NodeSchemas
from bot.scheduling.caps import Bill, Purse, in_dollars, too_dear
from bot.workflow.paid import Cost, costs, dollars, in_words

GRAPHS = Path(__file__).parents[2] / "../shared/graphs"
UNKNOWN = ", and how much that comes to is not known beforehand"


def _schemas(expression: str | None, **needed: list[Any]) -> NodeSchemas:
    badge = {"engine": "jsonata", "depends_on": needed, "expr": expression}
    paid = {"api_node": True, "price_badge": None if expression is None else badge}
    return NodeSchemas({"Painter": paid, "SaveImage": {"output_node": True}})


def _cost(expression: str | None, given: dict[str, Any] | None = None, **needed: list[Any]) -> Cost:
    graph = {
        "1": {"class_type": "Painter", "inputs": given or {}, "_meta": {"title": "Paint it"}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}},
    }
    (found,) = costs(graph, _schemas(expression, **needed))
    return found


@pytest.mark.parametrize(
    ("expression", "words", "price"),
    [
        ('{"type":"usd","usd":0.06}', "$0.06 a run", 0.06),
        ('{"type":"range_usd","min_usd":0.0286,"max_usd":1.5}', "$0.0286 to $1.50 a run", 1.5),
        ('{"type":"usd","usd":0.05,"format":{"suffix":"/second"}}', f"$0.05/second{UNKNOWN}", None),
        ('{"type":"usd","usd":0.03,"format":{"suffix":"/Image","approximate":true}}', "about $0.03/Image", 0.03),
        ('{"type":"list_usd","usd":[0.01,0.02],"format":{"suffix":"/8MP"}}', f"$0.01 or $0.02/8MP{UNKNOWN}", None),
        ('{"type":"text","text":"by agreement"}', f"by agreement{UNKNOWN}", None),
        ("$nobody.knows(", None, None),
        ("1 / 0", None, None),
        (None, None, None),
    ],
)  # fmt: skip
def test_what_a_formula_says(expression: str | None, words: str | None, price: float | None) -> None:
    """As ComfyUI shows it; a formula that says nothing is no error."""
    assert _cost(expression) == Cost(node="1", title="Paint it", words=words, dollars=price)


def test_a_price_goes_by_values_and_links() -> None:
    """Texts in small letters, as the front end has them."""
    formula = (
        '{"type":"usd","usd": (widgets.size = "2k hd" ? 0.2 : 0.1) + (inputs.more.connected ? 1 : 0)'
        " + inputGroups.images}"
    )
    needed: dict[str, Any] = {
        "widgets": [{"name": "size", "type": "COMBO"}],
        "inputs": ["more"],
        "input_groups": ["images"],
    }
    assert _cost(formula, {"size": "1K"}, **needed).dollars == 0.1
    given = {"size": "2K HD", "more": ["9", 0], "images.image0": ["8", 0]}
    assert _cost(formula, given, **needed).dollars == pytest.approx(2.2)


@pytest.fixture(scope="module")
def real() -> NodeSchemas:
    """The paid nodes of a real server, with the formulas that they tell their prices by."""
    if not GRAPHS.is_dir():
        pytest.skip("../shared/graphs is not there")
    return NodeSchemas(json.loads((GRAPHS / "object_info.json").read_text(encoding="utf-8")))


_VIDU = {"model": "viduq3-pro", "model.duration": 5, "model.resolution": "1080p"}
_SEEDREAM = {"model": "seedream 5.0 lite", "model.size_preset": "(2K) 2048x2048 (1:1)"}


@pytest.mark.parametrize(
    ("class_type", "inputs", "price"),
    [
        ("RunwayImageToVideoNodeGen4", {"duration": "5"}, 0.0715 * 5),
        ("RunwayImageToVideoNodeGen4", {"duration": 10}, 0.0715 * 10),
        ("SoniloTextToMusic", {"duration": ["seconds", 0]}, 0.0025 * 40),
        ("SoniloTextToMusic", {"duration": ["length", 0]}, None),
        ("WanReferenceVideoApi", {"size": "16:9 1080p", "duration": 5}, 0.15 * (5 + 5)),
        ("WanReferenceVideoApi", {"size": "16:9 720p", "duration": 10}, 0.10 * (5 + 10)),
        ("Vidu3TextToVideoNode", _VIDU, 0.16 * 5),
        ("Vidu3TextToVideoNode", {**_VIDU, "model.resolution": "720p", "model.duration": 8}, 0.15 * 8),
        ("ByteDanceFirstLastFrameNode",
         {"model": "seedance-1-0-pro-250528", "resolution": "1080p", "duration": 10}, 1.22),
        ("ByteDanceSeedreamNode",
         {"model": "seedream-4-5-251128", "sequential_image_generation": "auto", "max_images": 4}, 0.16),
        ("ByteDanceSeedreamNodeV2", _SEEDREAM, 0.035),
        ("ElevenLabsTextToSoundEffects",
         {"text": "rain", "model": "eleven_sfx_v2", "model.duration": 5}, 0.14 * 5 / 60),
        ("ElevenLabsTextToSpeech", {"text": "a" * 500, "model": "eleven_v3"}, 0.24 * 0.5),
        ("ElevenLabsTextToSpeech", {"text": ["length", 0], "model": "eleven_v3"}, None),
        ("ClaudeNode", {"prompt": "a" * 1000, "model": "Opus 4.8", "model.max_tokens": 2000},
         0.00715 + 2 * 0.03575),
        ("ClaudeNode", {"prompt": "a", "model": "Opus 4.8", "model.max_tokens": 9, "images.image_1": ["9", 0]}, None),
        ("GrokVideoEditNode", {"model": "grok-imagine-video", "prompt": "snow", "video": ["8", 0]}, None),
        ("RunwayAleph2VideoToVideoNode", {"prompt": "snow", "video": ["8", 0]}, None),
    ],
)  # fmt: skip
def test_real_nodes_tell_what_a_run_of_these_values_costs(
    real: NodeSchemas, class_type: str, inputs: dict[str, Any], price: float | None
) -> None:
    """Seconds, pictures, tokens and texts are counted; the upper end is what counts; the rest is not known."""
    graph = {
        "1": {"class_type": class_type, "inputs": inputs},
        "seconds": {"class_type": "PrimitiveInt", "inputs": {"value": 40}},
        "length": {"class_type": "GetVideoComponents", "inputs": {"video": ["8", 0]}},
    }
    (found,) = costs(graph, real)
    assert found.dollars == (None if price is None else pytest.approx(price))
    assert ("is not known beforehand" in (found.words or "")) is (price is None and found.words is not None)


def test_what_a_run_costs_in_all() -> None:
    """Unknown as soon as one node does not tell."""
    one, other = Cost(node="1", title="A", words="$1.00 a run", dollars=1.0), Cost(node="2", title="B")
    assert (dollars([one, one]), dollars([one, other]), dollars([])) == (2.0, None, 0)
    assert in_words([one, other]) == "A run costs money. A: $1.00 a run; B: it does not say how much."
    assert in_words([]) == ""


def test_amounts() -> None:
    """Services count in fractions of cents."""
    assert [in_dollars(each) for each in (0.06, 1, 12.5, 0.143, 0.0286)] == [
        "$0.06",
        "$1.00",
        "$12.50",
        "$0.143",
        "$0.0286",
    ]


@pytest.mark.parametrize(
    ("purse", "price", "words"),
    [
        (
            Purse(jobs=3),
            None,
            "You had 3 pictures that cost money today, which is the most. What this one costs is not known "
            "beforehand. Try again tomorrow.",
        ),
        (
            Purse(jobs=3),
            0.5,
            "You had 3 pictures that cost money today, which is the most. Try again tomorrow.",
        ),
        (Purse(jobs=4), None, None),
        (Purse(), 100.0, None),
        (Purse(dollars=1.0), 0.25, None),
        (Purse(dollars=1.0), None, None),
        (
            Purse(dollars=1.0),
            0.5,
            "That costs $0.50, and of today's $1.00 you have $0.25 left. Try again tomorrow.",
        ),
    ],
)
def test_enough_for_today(purse: Purse, price: float | None, words: str | None) -> None:
    """By jobs, and by dollars where they are known."""
    assert too_dear(purse, Bill(jobs=3, dollars=0.75), price) == words
