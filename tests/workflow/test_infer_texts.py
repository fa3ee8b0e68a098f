"""Prompts and what is unwanted, in graphs that nobody described."""

from __future__ import annotations

from bot.comfy.schemas import NodeSchemas
from bot.workflow.infer.infer import MOST_SHOWN, infer
from bot.workflow.infer.meanings import Meaning
from bot.workflow.model import Role
from tests.workflow.nodes import NODES, graph
from tests.workflow.painting import found, painting, sampled

SCHEMAS = NodeSchemas(NODES)


def test_titles_do_not_swap_what_the_links_say() -> None:
    """An encoder titled as the negative that goes in as the positive is the prompt."""
    kind, inputs = painting()["yes"]
    other = painting()["no"][1]
    nodes = painting(yes=(kind, inputs, "Negative prompt"), no=(kind, other, "Positive prompt"))
    made = infer(graph(**nodes), SCHEMAS)
    assert found(made, Meaning.PROMPT, Meaning.NEGATIVE) == {"prompt": ["yes.text"], "negative": ["no.text"]}


def test_polarity_goes_through_nodes_with_two_outputs_and_combinations() -> None:
    """By the outputs' names, not their order."""
    nodes = painting(
        second=("CLIPTextEncode", {"text": "in snow", "clip": ("load", 1)}),
        both=("ConditioningCombine", {"conditioning_1": ("yes", 0), "conditioning_2": ("second", 0)}),
        picture=("LoadImage", {"image": "a.png"}),
        control=(
            "ControlNetApply",
            {"positive": ("both", 0), "negative": ("no", 0), "image": ("picture", 0), "strength": 1.0},
        ),
    )
    made = infer(graph(**sampled(nodes, positive=("control", 0), negative=("control", 1))), SCHEMAS)
    assert found(made, Meaning.NEGATIVE) == {"negative": ["no.text"]}
    assert sorted(str(t) for each in found(made, Meaning.PROMPT).values() for t in each) == [
        "second.text",
        "yes.text",
    ]
    assert made.role is Role.EDIT


def test_a_zeroed_negative_is_none() -> None:
    """Whatever text it was made of."""
    own = painting(zero=("ConditioningZeroOut", {"conditioning": ("no", 0)}))
    made = infer(graph(**sampled(own, negative=("zero", 0))), SCHEMAS)
    assert found(made, Meaning.PROMPT, Meaning.NEGATIVE) == {"prompt": ["yes.text"]}
    shared = infer(graph(**sampled(painting(), negative=("yes", 0))), SCHEMAS)
    assert found(shared, Meaning.PROMPT, Meaning.NEGATIVE) == {"prompt": ["yes.text"]}


def test_what_is_looked_for_is_no_prompt() -> None:
    """The text of an encoder that ends in a detector."""
    nodes = painting(
        what=("CLIPTextEncode", {"text": "cat", "clip": ("load", 1)}),
        picture=("LoadImage", {"image": "a.png"}),
        find=("Detect", {"model": ("load", 0), "image": ("picture", 0), "conditioning": ("what", 0)}),
        mask=("SetLatentNoiseMask", {"samples": ("size", 0), "mask": ("find", 0)}),
    )
    made = infer(graph(**sampled(nodes, latent_image=("mask", 0))), SCHEMAS)
    assert found(made, Meaning.PROMPT, Meaning.OBJECT) == {"prompt": ["yes.text"], "object": ["what.text"]}


def test_the_prompt_is_found_behind_its_glue() -> None:
    """Through a switch, a generator of text and two texts joined: the person's words, not the orders for the model."""
    nodes = painting(
        words=("PrimitiveText", {"value": "a red fox"}, "Text (User Prompt)"),
        orders=("PrimitiveText", {"value": "You are an expert. Expand this:"}, "Text (System Prompt)"),
        joined=("Concatenate", {"string_a": ("orders", 0), "string_b": ("words", 0), "delimiter": ""}),
        write=("TextGenerate", {"clip": ("load", 1), "prompt": ("joined", 0), "max_length": 9, "seed": 1}),
        refine=("PrimitiveBoolean", {"value": True}, "Boolean (Refine prompt?)"),
        pick=("Switch", {"switch": ("refine", 0), "on_false": ("words", 0), "on_true": ("write", 0)}),
        look=("PreviewAny", {"source": ("pick", 0)}),
        styled=(
            "Concatenate",
            {"string_a": ("look", 0), "string_b": "in the style of ink", "delimiter": ", "},
        ),
        yes=("CLIPTextEncode", {"text": ("styled", 0), "clip": ("load", 1)}),
    )
    made = infer(graph(**nodes), SCHEMAS)
    assert found(made, Meaning.PROMPT, Meaning.SYSTEM, Meaning.SWITCH, Meaning.SEED) == {
        "user_prompt": ["words.value"],
        "seed": ["sample.seed"],
        "refine_prompt": ["refine.value"],
        "system_prompt": ["orders.value"],
    }


def test_a_numbered_switch_is_followed() -> None:
    """By the number that it has."""
    nodes = painting(
        first=("PrimitiveText", {"value": "a dog"}),
        second=("PrimitiveText", {"value": "a fox"}),
        pick=("IndexSwitch", {"select": 2, "input1": ("first", 0), "input2": ("second", 0)}),
        yes=("CLIPTextEncode", {"text": ("pick", 0), "clip": ("load", 1)}),
    )
    assert found(infer(graph(**nodes), SCHEMAS), Meaning.PROMPT) == {"prompt": ["second.value"]}


def test_prompts_that_make_the_workflow_stay_behind() -> None:
    """Many parallel pictures, each with its own words: nobody writes them all anew, and they are never made one."""
    nodes = painting()
    del nodes["save"]
    for number in range(4):
        nodes |= {
            f"yes{number}": ("CLIPTextEncode", {"text": f"view {number}", "clip": ("load", 1)}),
            f"sample{number}": ("KSampler", nodes["sample"][1] | {"positive": (f"yes{number}", 0)}),
            f"decode{number}": ("VAEDecode", {"samples": (f"sample{number}", 0), "vae": ("load", 2)}),
            f"save{number}": ("SaveImage", {"images": (f"decode{number}", 0), "filename_prefix": "x"}),
        }
    made = infer(graph(**nodes), SCHEMAS)
    assert found(made, Meaning.PROMPT) == {
        "prompt": ["yes0.text"],
        "prompt_2": ["yes1.text"],
        "prompt_3": ["yes2.text"],
        "prompt_4": ["yes3.text"],
    }
    assert found(made, Meaning.SEED) == {"seed": [f"sample{number}.seed" for number in range(4)]}
    assert not any(each.spec.required for each in made.parameters)
    assert sum(not each.spec.more for each in made.parameters) <= MOST_SHOWN


def test_a_conditioning_that_no_output_is_named_for_goes_with_its_kind() -> None:
    """A second wanted text beside the first: both are prompts, and the negative is one still."""
    nodes = painting(
        move=("CLIPTextEncode", {"text": "it dances", "clip": ("load", 1)}),
        pose=("Pose", {"positive": ("yes", 0), "negative": ("no", 0), "positive_pose": ("move", 0)}),
    )
    made = infer(graph(**sampled(nodes, positive=("pose", 0), negative=("pose", 1))), SCHEMAS)
    assert found(made, Meaning.NEGATIVE) == {"negative": ["no.text"]}
    assert sorted(found(made, Meaning.PROMPT).values()) == [["move.text"], ["yes.text"]]
