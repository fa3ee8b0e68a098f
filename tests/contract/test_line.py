"""A line of chat: its command, its options wherever they stand, and all other words as written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.contract.line import Line, read_line
from bot.contract.values import Command, ParameterSpec, ParameterType
from tests.builders import imagine_command

QUEUE = Command(name="queue", title="Queue", description="How the queue stands")
FLUX = Command(
    name="Flux",
    title="Flux",
    description="",
    parameters=(ParameterSpec(name="caption", type=ParameterType.TEXT, title="Caption"),),
)
TILE = Command(
    name="tile",
    title="Tile",
    description="",
    parameters=(
        ParameterSpec(name="prompt", type=ParameterType.TEXT, title="Prompt"),
        ParameterSpec(name="steps", type=ParameterType.INTEGER, title="Steps"),
        ParameterSpec(name="tiled", type=ParameterType.BOOLEAN, title="Tiled"),
    ),
)
GPU_BACK = Command(
    name="gpu back",
    title="Back",
    description="",
    parameters=(ParameterSpec(name="server", type=ParameterType.TEXT, title="Server"),),
)
COMMANDS = (imagine_command(), QUEUE, FLUX, TILE, GPU_BACK)


@pytest.mark.parametrize(
    ("text", "command", "values"),
    [
        ("/imagine a red fox", "imagine", {"prompt": "a red fox"}),
        ("/gpu back desk:8188", "gpu back", {"server": "desk:8188"}),
        ("/gpu_back desk:8188", "gpu back", {"server": "desk:8188"}),
        ("/GPU Back", "gpu back", {}),
        ("/gpu forth", "gpu", {"prompt": "forth"}),
        ("  /Imagine   a red fox  ", "imagine", {"prompt": "a red fox"}),
        ("/imagine@muralist_bot a red fox", "imagine", {"prompt": "a red fox"}),
        ("/imagine a red fox --steps 30", "imagine", {"prompt": "a red fox", "steps": "30"}),
        ("/imagine --steps=30 a red fox", "imagine", {"prompt": "a red fox", "steps": "30"}),
        ("/imagine a red --steps 30 fox", "imagine", {"prompt": "a red fox", "steps": "30"}),
        ("/imagine a red fox — in snow", "imagine", {"prompt": "a red fox — in snow"}),
        ("/imagine a red fox —steps 30", "imagine", {"prompt": "a red fox", "steps": "30"}),
        (
            "/imagine a red fox steps=30 SEED=0",
            "imagine",
            {"prompt": "a red fox", "steps": "30", "seed": "0"},
        ),
        ("/imagine e=mc2 on a wall", "imagine", {"prompt": "e=mc2 on a wall"}),
        ("/imagine fox --stpes 30", "imagine", {"prompt": "fox", "stpes": "30"}),
        ("/imagine fox --my-option x", "imagine", {"prompt": "fox", "my_option": "x"}),
        ('/imagine fox --negative "rain and fog"', "imagine", {"prompt": "fox", "negative": "rain and fog"}),
        ("/imagine fox negative=“rain and fog”", "imagine", {"prompt": "fox", "negative": "rain and fog"}),
        ("/imagine fox --negative", "imagine", {"prompt": "fox", "negative": ""}),
        ("/imagine a well-known fox -- maybe", "imagine", {"prompt": "a well-known fox -- maybe"}),
        ("/imagine --steps 30 --steps 40 fox", "imagine", {"prompt": "fox", "steps": "40"}),
        ("/imagine line one\nline two", "imagine", {"prompt": "line one\nline two"}),
        ("/imagine --prompt a red fox", "imagine", {"prompt": "a red fox"}),
        ("/imagine prompt=a red fox", "imagine", {"prompt": "a red fox"}),
        ("/imagine a fox --ar 3:2 at night", "imagine", {"prompt": "a fox at night", "ar": "3:2"}),
        ("/imagine --no fog a fox", "imagine", {"prompt": "a fox", "no": "fog"}),
        ("/imagine --no fog, rain, snow a fox", "imagine", {"prompt": "a fox", "no": "fog, rain, snow"}),
        (
            "/imagine a fox --no fog, rain --steps 3",
            "imagine",
            {"prompt": "a fox", "no": "fog, rain", "steps": "3"},
        ),
        ("/imagine --steps 30, a red fox", "imagine", {"prompt": "a red fox", "steps": "30,"}),
        ("/tile --tiled a red fox", "tile", {"prompt": "a red fox", "tiled": "yes"}),
        ("/tile --tiled no a red fox", "tile", {"prompt": "a red fox", "tiled": "no"}),
        (
            "/tile a red fox --tiled --steps 3",
            "tile",
            {"prompt": "a red fox", "tiled": "yes", "steps": "3"},
        ),
        ('/tile --tiled "a red" fox', "tile", {"prompt": '"a red" fox', "tiled": "yes"}),
        ("/tile --tiled=maybe a fox", "tile", {"prompt": "a fox", "tiled": "maybe"}),
        ("/imagine --private a fox", "imagine", {"prompt": "a fox", "private": "yes"}),
        ("/imagine", "imagine", {}),
        ("/queue", "queue", {}),
        ("/queue steps=3", "queue", {"prompt": "steps=3"}),
        ("/flux a red fox", "Flux", {"caption": "a red fox"}),
        ("/unknown a red fox --x 1", "unknown", {"prompt": "a red fox", "x": "1"}),
        ("make it night", "", {"prompt": "make it night"}),
        ("make it night --steps 3", "", {"prompt": "make it night", "steps": "3"}),
        ("/imagine a fox --negative --steps 3", "imagine", {"prompt": "a fox", "negative": "", "steps": "3"}),
        ("/imagine a fox --negative", "imagine", {"prompt": "a fox", "negative": ""}),
        ("and/or", "", {"prompt": "and/or"}),
        ("/ imagine", "", {"prompt": "/ imagine"}),
        ("", "", {}),
        ("  \n ", "", {}),
    ],
)
def test_lines_are_taken_apart(text: str, command: str, values: dict[str, object]) -> None:
    """Options are options wherever they stand; the rest is the main text."""
    assert read_line(text, COMMANDS) == Line(command=command, values=values)


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("/imagine --spoiler a red fox", True),
        ("/imagine a red fox --spoiler", True),
        ("/imagine --spoiler yes a red fox", True),
        ("/imagine --spoiler NO a red fox", False),
        ("/imagine a red fox spoiler=yes", True),
        ("/imagine a red fox spoiler=off", False),
        ("/imagine a red fox", False),
        ("/unknown a red fox --spoiler", True),
    ],
)
def test_pictures_can_be_hidden(text: str, hidden: bool) -> None:
    """No word of the prompt is taken for yes or no."""
    line = read_line(text, COMMANDS)
    assert (line.values, line.spoiler) == ({"prompt": "a red fox"}, hidden)


@given(text=st.text())
def test_any_text_is_a_line(text: str) -> None:
    """Nothing that anybody types raises, with a command or without."""
    for line in (text, f"/imagine {text}", f"/{text}", f"/imagine --{text}", f'/imagine --negative "{text}'):
        assert isinstance(read_line(line, COMMANDS), Line)


WORD = st.text(st.characters(exclude_categories=["Z", "C"], exclude_characters="-—="), min_size=1, max_size=8)
WORDS = st.lists(WORD, min_size=1, max_size=8)


@given(words=WORDS)
def test_words_are_kept_as_written(words: list[str]) -> None:
    """Whatever their script or signs."""
    text = " ".join(words)
    assert read_line(f"/imagine {text}", COMMANDS) == Line(command="imagine", values={"prompt": text})


@given(
    words=WORDS,
    where=st.integers(0, 8),
    steps=st.integers(),
    style=st.sampled_from(["--steps {}", "steps={}"]),
)
def test_an_option_takes_no_word_away(words: list[str], where: int, steps: int, style: str) -> None:
    """It may stand before, between and after them."""
    parts = [*words[:where], style.format(steps), *words[where:]]
    assert read_line("/imagine " + " ".join(parts), COMMANDS) == Line(
        command="imagine", values={"prompt": " ".join(words), "steps": str(steps)}
    )


@given(words=WORDS, named=WORDS)
def test_a_named_main_text_loses_no_word(words: list[str], named: list[str]) -> None:
    """What `--prompt` names comes first, then all the other words."""
    quoted = " ".join(named).replace('"', "'").replace("“", "'").replace("”", "'")
    line = read_line(f'/imagine {" ".join(words)} --prompt "{quoted}"', COMMANDS)
    assert line == Line(command="imagine", values={"prompt": f"{quoted} {' '.join(words)}"})
