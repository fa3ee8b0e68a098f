"""What an author made of a workflow, read from the UI format."""

from __future__ import annotations

from typing import Any

import pytest

from bot.workflow.infer.interface import Interface
from bot.workflow.infer.ui import INSIDE, read_interface
from bot.workflow.model import Target


def _entry(
    name: str, label: str | None = None, link: int | None = None, kind: str = "STRING"
) -> dict[str, Any]:
    return {"name": name, "label": label, "type": kind, "link": link, "widget": {"name": name}}


def _link(slot: int, node: int, target_slot: int) -> dict[str, Any]:
    return {"origin_id": INSIDE, "origin_slot": slot, "target_id": node, "target_slot": target_slot}


INNER = {
    "id": "inner",
    "inputs": [_entry("text", "deep label")],
    "nodes": [{"id": 5, "type": "CLIPTextEncode", "inputs": [_entry("clip"), _entry("text")]}],
    "links": [_link(0, 5, 1)],
}
OUTER = {
    "id": "outer",
    "inputs": [_entry("value", "Motif"), _entry("width", kind="INT"), _entry("image", kind="IMAGE")],
    "nodes": [
        {"id": 7, "type": "inner", "inputs": [_entry("text")]},
        {"id": 8, "type": "Latent", "inputs": [_entry("width")]},
        {"id": 9, "type": "Scheduler", "inputs": [_entry("width")]},
    ],
    "links": [
        _link(0, 7, 0),
        _link(1, 8, 0),
        _link(1, 9, 0),
        {"origin_id": 8, "origin_slot": 0, "target_id": 9},
    ],
}
UI = {
    "nodes": [
        {"id": 1, "type": "outer", "inputs": [_entry("width", "Breadth")]},
        {"id": 2, "type": "LoadImage", "inputs": [_entry("image", "Product")]},
        {"id": 3, "type": "outer", "inputs": [_entry("width", link=4)]},
    ],
    "definitions": {"subgraphs": [OUTER, INNER]},
    "extra": {"linearData": {"inputs": [[2, "image"], ["8", "width"], ["uuid:1:value", "value"]]}},
}


def _at(text: str) -> Target:
    node, _, name = text.partition(".")
    return Target(node=node, input=name)


def test_labels_reach_the_inputs_they_are_for() -> None:
    """Through sub-graphs in sub-graphs; the outermost counts, and a node's own label for what is in none."""
    assert read_interface(UI).labels == {
        _at("1:7:5.text"): "Motif",
        _at("1:8.width"): "Breadth",
        _at("1:9.width"): "Breadth",
        _at("3:7:5.text"): "Motif",
        _at("3:8.width"): "width",
        _at("3:9.width"): "width",
        _at("2.image"): "Product",
    }


def test_what_one_widget_sets_is_set_together() -> None:
    """Not where a link sets it."""
    both = (_at("1:8.width"), _at("1:9.width"))
    assert read_interface(UI).together == dict.fromkeys(both, both)


def test_the_app_names_nodes_wherever_they_lie() -> None:
    """By their own id, or by that of the sub-graph whose input it is."""
    assert read_interface(UI).chosen == (
        _at("2.image"),
        _at("1:8.width"),
        _at("3:8.width"),
        _at("1:7:5.text"),
    )


def test_a_definition_within_itself_ends() -> None:
    """No front end makes one; a broken file keeps nothing waiting."""
    loop = {
        "id": "loop",
        "inputs": [_entry("text")],
        "nodes": [{"id": 1, "type": "loop", "inputs": [_entry("text")]}],
        "links": [_link(0, 1, 0)],
    }
    ui = {"nodes": [{"id": 1, "type": "loop"}], "definitions": {"subgraphs": [loop]}}
    assert read_interface(ui).labels == {_at("1:1:1.text"): "text"}


@pytest.mark.parametrize(
    "ui", [None, [], {}, {"nodes": 3}, {"nodes": [1]}, {"extra": {"linearData": 3}, "definitions": 1}]
)
def test_what_is_no_workflow_has_no_interface(ui: Any) -> None:
    """Whatever lies there."""
    assert read_interface(ui) == Interface()
