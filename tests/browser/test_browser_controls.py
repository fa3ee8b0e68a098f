"""The options of a command as controls, which never say anything else than the line."""

from __future__ import annotations

import io
import json
import re

import pytest
from PIL import Image
from playwright.async_api import FilePayload, expect

from bot.contract.line import read_line
from tests.browser.chat_page import ChatPage, button, pictures
from tests.builders import imagine_command

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SMALL = "--width 64 --height 64 --steps 4"

LINES = [
    "/imagine a red fox",
    "/imagine a red fox --steps 30 --seed=7",
    "/imagine steps=5 a fox, 2=2 --negative “blurry, dark” in snow",
    '/imagine --negative "two words" --steps 3 --steps 4',
    "/imagine a fox —steps 9",
    "/imagine --steps --seed 4 a fox",
    "/imagine nosteps=3 --unknown 5",
    "/imagine@muralist a fox STEPS=8",
    "/imagine a --negative= b",
    "/imagine a fox --no fog, heavy, rain --steps 3",
    "/imagine --model a, b fox steps=4",
]


def png(width: int, height: int) -> bytes:
    """A picture of a size."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(buffer, "PNG")
    return buffer.getvalue()


async def test_each_option_has_the_control_of_its_type(chat: ChatPage) -> None:
    """Numbers with their bounds, few choices as a list, many as a field that searches; rare ones behind More."""
    await chat.text.fill("/imagine a red fox ")
    width = chat.option("Width")
    assert [await width.get_attribute(name) for name in ("type", "min", "max", "step", "placeholder")] == [
        "number",
        "64",
        "2048",
        "8",
        "1024",
    ]
    await expect(chat.option("Seed")).to_be_hidden()
    await chat.controls.get_by_text("More (8)").click()
    await expect(chat.option("Seed")).to_have_attribute("placeholder", "random")
    await expect(chat.option("Model").locator("option")).to_have_text(
        ["sd_xl_base_1.0.safetensors", "dreamshaper_8.safetensors"]
    )
    await expect(chat.option("Sampler")).to_have_attribute("role", "combobox")
    await expect(chat.option("CFG")).to_have_attribute("step", "any")
    await chat.text.fill("/help")
    await expect(chat.controls).to_be_hidden()


async def test_what_controls_say_is_sent_beside_the_line(chat: ChatPage) -> None:
    """Words with quotes and lines too, which no line could hold."""
    await chat.text.fill("/imagine a red fox")
    for title, value in (("Width", "64"), ("Height", "128"), ("Steps", "5")):
        await chat.option(title).fill(value)
    await chat.option("Negative").fill('a "blurry"\nhorse')
    await expect(chat.text).to_have_value("/imagine a red fox")
    await chat.text.press("Enter")
    await chat.finished(chat.cards.first)
    told = await chat.told(chat.cards.first)
    assert "width: 64\nheight: 128\nsteps: 5" in told.replace("\n\n", "\n")
    assert 'a "blurry"\nhorse' in told
    await expect(chat.controls).to_be_hidden()


async def test_a_typed_option_and_its_control_are_one(chat: ChatPage) -> None:
    """The control shows what is typed, and changes it there; what needs quotes moves out of the line."""
    steps = chat.option("Steps")
    await chat.text.fill("/imagine a fox --steps 30 in snow")
    await expect(steps).to_have_value("30")
    await steps.fill("12")
    await expect(chat.text).to_have_value("/imagine a fox --steps 12 in snow")
    await chat.text.fill("/imagine a fox steps=7 in snow")
    await expect(steps).to_have_value("7")
    await steps.fill("")
    await expect(chat.text).to_have_value("/imagine a fox in snow")
    await steps.fill("9")
    await expect(chat.text).to_have_value("/imagine a fox in snow")
    await chat.text.fill("/imagine a fox --negative dark --steps 8")
    await expect(steps).to_have_value("8")
    await chat.option("Negative").fill("very dark")
    await expect(chat.text).to_have_value("/imagine a fox --steps 8")
    await expect(chat.option("Negative")).to_have_value("very dark")


async def test_one_of_many_choices_is_searched(chat: ChatPage) -> None:
    """By typing a part, with arrows and Enter; what is no choice falls back; Escape closes the list alone."""
    await chat.text.fill(f"/imagine a red fox {SMALL}")
    await chat.controls.get_by_text("More (8)").click()
    sampler = chat.option("Sampler")
    await sampler.click()
    shown = chat.controls.get_by_role("listbox").get_by_role("option")
    assert await shown.count() > 12
    await sampler.fill("ancestral")
    await sampler.press("ArrowDown")
    await expect(shown.nth(1)).to_have_attribute("aria-selected", "true")
    second = await shown.nth(1).inner_text()
    assert "ancestral" in second
    await sampler.press("Enter")
    await expect(sampler).to_have_value(second)
    await expect(chat.controls.get_by_role("listbox")).to_have_count(0)
    await sampler.fill("nothing like it")
    await sampler.press("Tab")
    await expect(sampler).to_have_value(second)
    await chat.text.press("Enter")
    await chat.finished(chat.cards.first)
    assert f"sampler: {second}" in await chat.told(chat.cards.first)


async def test_the_dice_roll_a_seed(chat: ChatPage) -> None:
    """One that the same picture can be had with again."""
    await chat.text.fill(f"/imagine a red fox {SMALL}")
    await chat.controls.get_by_text("More (8)").click()
    dice = chat.controls.get_by_role("button", name="Roll a seed")
    await dice.click()
    first = await chat.option("Seed").input_value()
    await dice.click()
    seed = await chat.option("Seed").input_value()
    assert re.fullmatch(r"\d{1,16}", seed)
    assert seed != first
    await chat.text.press("Enter")
    await chat.finished(chat.cards.first)
    await expect(chat.cards.first.locator(".card-body code")).to_have_text(seed)


async def test_pictures_go_where_they_are_put(chat: ChatPage) -> None:
    """One is dropped on the second place, one chosen for the first; each shows itself before it is sent."""
    await chat.text.fill("/copy")
    first, second = (chat.controls.locator(f"[data-slot={name}]") for name in ("first", "second"))
    await second.evaluate(
        """(slot, bytes) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], "tall.png", { type: "image/png" }));
            slot.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: data }));
        }""",
        list(png(64, 128)),
    )
    await expect(second.get_by_role("img", name="tall.png")).to_be_visible()
    async with chat.page.expect_file_chooser() as chooser:
        await first.get_by_role("button", name="First: choose a picture").click()
    wide = FilePayload(name="wide.png", mimeType="image/png", buffer=png(128, 64))
    await (await chooser.value).set_files(wide)
    await expect(first.get_by_role("img", name="wide.png")).to_be_visible()
    await expect(chat.page.locator("#attachments").get_by_role("img")).to_have_count(0)
    await chat.text.press("Enter")
    card = chat.cards.first
    await expect(pictures(card)).to_have_count(2)
    sizes = "pictures => Promise.all(pictures.map(p => p.decode().then(() => p.naturalWidth)))"
    assert await pictures(card).evaluate_all(sizes) == [128, 64]


async def test_a_file_that_was_attached_first_fills_the_commands_place(chat: ChatPage) -> None:
    """And goes back above the line when the command takes none."""
    teal = FilePayload(name="teal.png", mimeType="image/png", buffer=png(64, 64))
    await chat.page.set_input_files("#file", teal)
    loose = chat.page.locator("#attachments").get_by_role("img", name="teal.png")
    await expect(loose).to_be_visible()
    await chat.text.fill("/img2img at night")
    await expect(chat.controls.get_by_role("img", name="teal.png")).to_be_visible()
    await expect(loose).to_have_count(0)
    await chat.text.fill("/imagine at night")
    await expect(loose).to_be_visible()


async def test_the_picture_that_is_replied_to_is_seen_in_its_place(chat: ChatPage) -> None:
    """Until a file is there instead."""
    card = await chat.picture(f"/imagine a red fox {SMALL}")
    await button(card, "Edit").click()
    replied = chat.controls.get_by_role("img", name="The picture you reply to")
    await expect(replied).to_be_visible()
    teal = FilePayload(name="teal.png", mimeType="image/png", buffer=png(64, 64))
    await chat.page.set_input_files("#file", teal)
    await expect(replied).to_have_count(0)
    await chat.controls.get_by_role("button", name="Remove teal.png").click()
    await expect(replied).to_be_visible()


async def test_the_arrow_up_brings_the_last_line_back(chat: ChatPage) -> None:
    """With what its controls said."""
    await chat.text.fill("/imagine a red fox --width 64 --height 64")
    await chat.option("Steps").fill("4")
    await chat.text.press("Enter")
    await expect(chat.text).to_have_value("")
    await chat.text.press("ArrowUp")
    await expect(chat.text).to_have_value("/imagine a red fox --width 64 --height 64")
    await expect(chat.option("Steps")).to_have_value("4")
    await expect(chat.option("Width")).to_have_value("64")


async def test_words_without_a_command_are_offered_one(chat: ChatPage) -> None:
    """While they are written; one press makes it a line."""
    await chat.text.fill("a red fox")
    hint = chat.page.locator("#begin")
    await expect(hint).to_contain_text("Begin with a command:")
    await hint.get_by_role("button", name="/imagine").click()
    await expect(chat.text).to_have_value("/imagine a red fox")
    await expect(chat.text).to_be_focused()
    await expect(hint).to_be_hidden()


async def test_a_switch_says_yes_no_or_nothing(chat: ChatPage) -> None:
    """Nothing is what it is anyway."""
    said = await chat.page.evaluate(
        """async () => {
            const { makeControl } = await import(new URL("static/control.js", location.href));
            const said = [];
            const spec = { name: "loop", type: "boolean", title: "Loop", default: true };
            const { element, set } = makeControl(spec, value => said.push(value));
            document.body.append(element);
            const box = element.querySelector("input");
            box.click(); box.click();
            set("no"); said.push(box.checked);
            set(""); said.push(box.checked);
            element.remove();
            return said;
        }"""
    )
    assert said == ["false", "", False, True]


async def test_the_page_reads_lines_as_the_server_does(chat: ChatPage) -> None:
    """Every option and its value."""
    command = imagine_command()
    parameters = [{"name": p.name, "type": p.type} for p in command.parameters]
    read = await chat.page.evaluate(
        """async ([lines, command]) => {
            const { commandOf, optionsIn } = await import(new URL("static/line.js", location.href));
            return lines.map(line => {
                const options = optionsIn(line, commandOf(line, [command]));
                return Object.fromEntries([...options].map(([name, { value }]) => [name, value]));
            });
        }""",
        [LINES, {"name": "imagine", "parameters": parameters}],
    )
    for line, options in zip(LINES, read, strict=True):
        values = dict(read_line(line, [command]).values)
        values.pop("prompt", None)
        assert (line, json.dumps(options, sort_keys=True)) == (line, json.dumps(values, sort_keys=True))
