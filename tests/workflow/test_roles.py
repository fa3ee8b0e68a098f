"""Which workflow serves which role."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.workflow.load import load_workflow
from bot.workflow.model import Frames, Role, Workflow
from bot.workflow.patch import bind, without
from bot.workflow.roles import in_order, serving

SDXL = load_workflow(files("workflows") / "sdxl")


def _workflow(name: str, order: int = 0, *, bundled: bool = False, roles: tuple[Role, ...] = ()) -> Workflow:
    return replace(SDXL, name=name, order=order, bundled=bundled, roles=roles)


def test_the_owners_come_first_and_those_they_name_before_all() -> None:
    """Then by the order that they state, then by name."""
    workflows = [
        _workflow("b", 20, bundled=True),
        _workflow("a", 20, bundled=True),
        _workflow("c", 10, bundled=True),
        _workflow("mine", 30),
    ]
    assert [each.name for each in in_order(workflows, ())] == ["mine", "c", "a", "b"]
    assert [each.name for each in in_order(workflows, ("b", "mine"))] == ["b", "mine", "c", "a"]


def test_a_role_is_served_by_the_first_that_has_it() -> None:
    """One may have several, or none."""
    both = _workflow("both", roles=(Role.EDIT, Role.VARY))
    ordered = [_workflow("none"), _workflow("one", roles=(Role.VARY,)), both]
    assert [serving(role, ordered) for role in (Role.VARY, Role.EDIT, Role.MUSIC)] == [ordered[1], both, None]


FILM = """
title = "Film"
description = "A film"
role = "animate"
[parameters]
prompt = "6.text"
image = "10.image"
image2 = { to = "11.image", without = ["11", "12"] }
seconds = { to = "5.length", fps = 16, frame_step = 4, maximum = 6.0 }
"""
GRAPH = """{
    "5": {"class_type": "Wan", "inputs": {"length": 81, "start": ["10", 0], "end": ["12", 0]}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": ""}},
    "10": {"class_type": "LoadImage", "inputs": {"image": "a.png"}},
    "11": {"class_type": "LoadImage", "inputs": {"image": "b.png"}},
    "12": {"class_type": "ImageScale", "inputs": {"image": ["11", 0], "width": 8}}
}"""


def _film(folder: Path, toml: str = FILM) -> Workflow:
    (folder / "graph.json").write_text(GRAPH)
    (folder / "workflow.toml").write_text(toml)
    return load_workflow(folder)


def test_usual_parameters_need_only_say_where_they_go(tmp_path: Path) -> None:
    """What is usual for their name is theirs; what the file says counts before it."""
    film = _film(tmp_path)
    specs = {parameter.spec.name: parameter.spec for parameter in film.parameters}
    assert film.roles == (Role.ANIMATE,)
    assert (specs["prompt"].required, specs["prompt"].max_length) == (True, 4000)
    assert (specs["image"].required, specs["image2"].required) == (True, False)
    assert (specs["seconds"].default, specs["seconds"].minimum, specs["seconds"].maximum) == (5.1, 0.5, 6.0)


def test_seconds_become_frames(tmp_path: Path) -> None:
    """The nearest length that the model can make; what was asked for stays in seconds."""
    bound = bind(_film(tmp_path), {"prompt": "x", "seconds": "2.1"}, {}, 7)
    sent = {f"{setting.node}.{setting.input}": setting.value for setting in bound.patch}
    assert (bound.values["seconds"], sent["5.length"]) == (2.1, 33)
    assert [Frames(fps=24, step=8).of(seconds) for seconds in (0.1, 1, 4, 5)] == [1, 25, 97, 121]
    assert [Frames(fps=24, step=17, first=5).of(seconds) for seconds in (0.1, 5, 10)] == [5, 124, 243]


def test_pictures_that_are_not_given_are_left_out_of_the_graph(tmp_path: Path) -> None:
    """With what was wired to them; all else is as it was."""
    film = _film(tmp_path)
    bound = bind(film, {"prompt": "x"}, {}, 7)
    graph, patch = without(film.graph, bound.patch, film.parameters[2].without)
    assert (sorted(graph), patch) == (["10", "5", "6"], bound.patch)
    assert graph["5"]["inputs"] == {"length": 81, "start": ["10", 0]}
    assert film.graph["5"]["inputs"]["end"] == ["12", 0]
    assert without(film.graph, bound.patch, ()) == (film.graph, bound.patch)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('"11", "12"]', '"11", "99"]', 'parameter image2: there is no node "99" in graph.json (without).'),
        (
            '"6.text"',
            '{ to = "6.text", families = ["Flux"] }',
            'parameter prompt: there is no family "Flux".',
        ),
        ('to = "5.length"', 'to = "6.text"', "parameter seconds: 6.text is no number of frames."),
    ],
)
def test_what_names_nothing_is_told(tmp_path: Path, before: str, after: str, told: str) -> None:
    """With file and parameter."""
    with pytest.raises(ConfigError) as raised:
        _film(tmp_path, FILM.replace(before, after))
    where, _, what = str(raised.value).partition(", parameter ")
    assert where.rstrip("0123456789") == f"{tmp_path.name}/workflow.toml, line "
    assert f"parameter {what}".startswith(told)
