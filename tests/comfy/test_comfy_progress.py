"""Progress over a whole graph."""

from __future__ import annotations

from typing import Any

from bot.comfy.messages import NodeState
from bot.comfy.progress import ALMOST, ProgressTracker
from bot.jobs.events import Progress
from tests.comfy.conftest import txt2img


def state(node: str, value: float, most: float, *, running: bool = True, display: str = "") -> NodeState:
    """A line of a report."""
    return NodeState(node=node, display=display or node, value=value, most=most, running=running)


def done(*nodes: str) -> list[NodeState]:
    """Lines of nodes that have run."""
    return [state(node, 1, 1, running=False) for node in nodes]


def two_passes() -> dict[str, dict[str, Any]]:
    """A second sampler after the first."""
    graph = txt2img(steps=20)
    second = {**graph["3"], "inputs": {**graph["3"]["inputs"], "latent_image": ["3", 0], "steps": 10}}
    second["_meta"] = {"title": "Second pass"}
    graph["8"]["inputs"]["samples"] = ["13", 0]
    return {**graph, "13": second}


def test_samplers_weigh_most() -> None:
    """Loader 2, encoders 0.2 each, latent 0.2, 20 steps, decoder 1, saving 0.2: 23.8 in all."""
    tracker = ProgressTracker(txt2img(steps=20))
    tracker.reported([*done("4", "6", "7", "5"), state("3", 10, 20)])
    assert tracker.progress() == Progress(fraction=round(12.6 / 23.8, 4), node="The sampler")


def test_two_samplers_never_go_back() -> None:
    """The second bar begins where the first one ended."""
    tracker = ProgressTracker(two_passes())
    before = done("4", "6", "7", "5")
    fractions = []
    for step in range(21):
        tracker.reported([*before, state("3", step, 20)])
        fractions.append(tracker.progress().fraction)
    for step in range(11):
        tracker.reported([*before, *done("3"), state("13", step, 10)])
        fractions.append(tracker.progress().fraction)
    assert fractions == sorted(fractions)
    assert (fractions[20], fractions[21]) == (round(22.6 / 33.8, 4), round(22.6 / 33.8, 4))
    assert tracker.progress() == Progress(fraction=round(32.6 / 33.8, 4), node="Second pass")


def test_it_is_never_whole_before_the_end() -> None:
    """The files come after the last node."""
    tracker = ProgressTracker(txt2img())
    tracker.reported(done(*txt2img()))
    assert tracker.progress().fraction == ALMOST


def test_cached_nodes_do_not_count() -> None:
    """Nor do those that only they need: it begins at nothing, not at a half."""
    tracker = ProgressTracker(txt2img(steps=20))
    tracker.cached(["6", "7"])
    tracker.reported([*done("5"), state("3", 10, 20)])
    assert tracker.progress().fraction == round(10.2 / 23.4, 4)
    tracker.cached(["4", "5", "3"])
    assert tracker.progress().fraction == round(10.2 / 23.4, 4)


def test_dead_nodes_do_not_count() -> None:
    """If it is known what the outputs are."""
    graph = {**txt2img(steps=20), "50": {"class_type": "KSampler", "inputs": {"steps": 500}}}
    tracker = ProgressTracker(graph, outputs=["9"])
    tracker.reported([*done("4", "6", "7", "5"), state("3", 20, 20)])
    assert tracker.progress().fraction == round(22.6 / 23.8, 4)


def test_a_server_without_reports() -> None:
    """`executing` ends the node before it, `progress` moves the one that runs."""
    tracker = ProgressTracker(txt2img(steps=20))
    for node in ("4", "6", "7", "5", "3"):
        tracker.executing(node)
    tracker.stepped(None, 10, 20)
    assert tracker.progress() == Progress(fraction=round(12.6 / 23.8, 4), node="The sampler")
    tracker.executing("8")
    assert tracker.progress() == Progress(fraction=round(22.6 / 23.8, 4), node="VAEDecode")


def test_expanded_nodes_count_for_their_own() -> None:
    """How many there will be is not known, so the bar nears the end of that node without reaching it."""
    graph = {
        "1": {"class_type": "Expanding", "inputs": {}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}},
    }
    tracker = ProgressTracker(graph)
    fractions = []
    for count in range(4):
        finished = [state(f"1.0.0.{n}", 1, 1, running=False, display="1") for n in range(count)]
        tracker.reported([*finished, state(f"1.0.0.{count}", 0, 1, display="1")])
        fractions.append(tracker.progress().fraction)
    tracker.reported([*done("1"), state("2", 0, 1)])
    assert (fractions, tracker.progress().fraction) == ([0.0, 0.1667, 0.25, 0.3], 0.5)


def test_steps_behind_sigmas() -> None:
    """What computes sigmas has `steps` but takes no time; the sampler that uses them has none but does."""
    graph = {
        "1": {"class_type": "BasicScheduler", "inputs": {"steps": ["5", 0], "model": ["9", 0]}},
        "2": {"class_type": "SetFirstSigma", "inputs": {"sigmas": ["1", 0], "sigma": 2.0}},
        "3": {"class_type": "SamplerCustomAdvanced", "inputs": {"sigmas": ["2", 0]}},
        "4": {"class_type": "SaveImage", "inputs": {"images": ["3", 0]}},
        "5": {"class_type": "PrimitiveInt", "inputs": {"value": 8}},
        "9": {"class_type": "UNETLoader", "inputs": {}},
    }
    tracker = ProgressTracker(graph)
    tracker.reported([*done("9", "5", "1", "2"), state("3", 4, 8)])
    assert tracker.progress().fraction == round(6.6 / 10.8, 4)


def test_sigmas_written_out() -> None:
    """One number more than there are steps."""
    graph = {
        "1": {"class_type": "ManualSigmas", "inputs": {"sigmas": "1.0, 0.7, 0.4, 0.0"}},
        "3": {"class_type": "SamplerCustomAdvanced", "inputs": {"sigmas": ["1", 0]}},
    }
    tracker = ProgressTracker(graph)
    tracker.reported([*done("1"), state("3", 1, 3)])
    assert tracker.progress().fraction == round(1.2 / 3.2, 4)


def test_a_sampler_that_does_part_of_the_steps() -> None:
    """From `start_at_step` to `end_at_step`, of which 10000 means to the last."""
    graph = {
        "1": {
            "class_type": "KSamplerAdvanced",
            "inputs": {"steps": 20, "start_at_step": 0, "end_at_step": 5},
        },
        "2": {
            "class_type": "KSamplerAdvanced",
            "inputs": {"steps": 20, "start_at_step": 5, "end_at_step": 10000, "latent_image": ["1", 0]},
        },
    }
    tracker = ProgressTracker(graph)
    tracker.reported(done("1"))
    assert tracker.progress().fraction == 0.25


def test_other_nodes_that_turn_out_to_take_time() -> None:
    """Tiles and tokens: they weigh what they count, within limits, and nothing goes back."""
    graph = {
        "1": {"class_type": "Upscale", "inputs": {}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}},
    }
    tracker = ProgressTracker(graph)
    fractions = []
    for tile in range(9):
        tracker.reported([state("1", tile, 8)])
        fractions.append(tracker.progress().fraction)
    assert (fractions, fractions[4]) == (sorted(fractions), round(4 / 8.2, 4))


def test_an_empty_graph() -> None:
    """Divides by nothing."""
    assert ProgressTracker({}).progress() == Progress(fraction=0.0, node=None)
