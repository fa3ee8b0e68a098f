"""The owner's wildcards and styles, in files that may change at any time."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from bot.errors import ConfigError, InvalidValue
from bot.workflow import vocabulary
from bot.workflow.load import load_workflow
from bot.workflow.patch import bind
from bot.workflow.shorthand import short_specs
from bot.workflow.vocabulary import Style, Vocabulary, Words, read_vocabulary

IMAGINE = load_workflow(files("workflows") / "sdxl")
FLUX = load_workflow(files("workflows") / "flux")
UPSCALE = load_workflow(files("workflows") / "upscale-model")
CHOICES = {"model": ("sd_xl_base_1.0.safetensors",), "sampler": ("euler",), "scheduler": ("normal",)}
STYLES = {
    "film": Style(prompt="{prompt}, 35 mm {grain|dust}", negative="drawing"),
    "flat": Style(prompt="flat"),
}
WORDS = Vocabulary(styles=STYLES)


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_what_lies_in_the_folders_is_read(tmp_path: Path) -> None:
    """By paths below `wildcards`; a later folder stands above, notes and empty lines are no words."""
    one, two = tmp_path / "one", tmp_path / "two"
    _put(one / "wildcards/Animal.txt", "\ufeff# mine\na fox\n\n  a hen \n")
    _put(one / "wildcards/nature/tree.txt", "an oak")
    _put(one / "wildcards/empty.txt", "# nothing\n")
    _put(one / "secret.txt", "no")
    _put(two / "wildcards/animal.txt", "a wolf")
    _put(two / "styles.toml", '[film]\nprompt = "{prompt}, film"\n')
    assert read_vocabulary([one]).wildcards == {"animal": ("a fox", "a hen"), "nature/tree": ("an oak",)}
    found = read_vocabulary([one, two, tmp_path / "none"])
    assert found.wildcards["animal"] == ("a wolf",)
    assert found.styles == {"film": Style(prompt="{prompt}, film")}


def test_no_link_leads_out(tmp_path: Path) -> None:
    """What a link in the folder points to lies elsewhere."""
    _put(tmp_path / "secret.txt", "no")
    _put(tmp_path / "a/wildcards/fox.txt", "fox")
    try:
        (tmp_path / "a/wildcards/link.txt").symlink_to(tmp_path / "secret.txt")
    except OSError:
        pytest.skip("this system makes no links")
    assert set(read_vocabulary([tmp_path / "a"]).wildcards) == {"fox"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[film", r"styles\.toml is not TOML"),
        ("[film]\nprompts = 'x'", r"styles\.toml: film\.prompts: Extra inputs"),
        ("film = 'x'", r"styles\.toml: film: "),
    ],
)
def test_a_file_of_styles_that_is_wrong_is_the_owners_error(tmp_path: Path, text: str, told: str) -> None:
    """It names the file and the place."""
    _put(tmp_path / "styles.toml", text)
    with pytest.raises(ConfigError, match=told):
        Words([tmp_path])


def test_changes_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a restart; a file that becomes wrong leaves what was known."""
    monkeypatch.setattr(vocabulary, "LOOK_SECONDS", -1.0)
    words = Words([tmp_path])
    assert words.now() == Vocabulary()
    _put(tmp_path / "wildcards/animal.txt", "fox")
    _put(tmp_path / "styles.toml", "[film]")
    assert words.now() == Vocabulary(wildcards={"animal": ("fox",)}, styles={"film": Style()})
    _put(tmp_path / "styles.toml", "[film")
    assert words.now().styles == {"film": Style()}


def test_a_style_is_around_the_words() -> None:
    """In the prompt and what is not to be seen; the values stay as they were written, and so can be asked again."""
    bound = bind(
        IMAGINE, {"prompt": "a {red|grey} fox", "style": "FILM", "no": "fog"}, CHOICES, 2, words=WORDS
    )
    assert bound.values["prompt"] == "a {red|grey} fox"
    assert (bound.values["negative"], bound.values["style"]) == ("fog", "film")
    assert bound.texts == {"prompt": "a grey fox, 35 mm grain", "negative": "fog, drawing"}
    sent = {(setting.node, setting.input): setting.value for setting in bound.patch}
    assert (sent["6", "text"], sent["7", "text"]) == ("a grey fox, 35 mm grain", "fog, drawing")
    plain = bind(
        FLUX, {"prompt": "a fox", "style": "flat"}, {"model": ("flux1-dev.safetensors",)}, 1, words=WORDS
    )
    assert plain.texts == {"prompt": "a fox, flat"}


def test_an_unknown_style_is_told() -> None:
    """With those that there are; without any there is no such option."""
    with pytest.raises(InvalidValue, match=r'Style "flim" is not offered\. There is: film, flat\.'):
        bind(IMAGINE, {"prompt": "a fox", "style": "flim"}, CHOICES, 1, words=WORDS)
    with pytest.raises(InvalidValue, match='no option "style"'):
        bind(IMAGINE, {"prompt": "a fox", "style": "film"}, CHOICES, 1)


def test_the_short_options_are_published_where_they_are_of_use() -> None:
    """Neither a size nor words: neither a ratio nor a style."""
    assert [spec.name for spec in short_specs(IMAGINE, ["film"])] == ["ar", "style", "no"]
    assert [spec.name for spec in short_specs(FLUX, [])] == ["ar"]
    assert short_specs(UPSCALE, ["film"]) == ()


def test_a_text_that_becomes_too_long_or_nothing_is_told() -> None:
    """By what it stands for, not by what was written."""
    words = Vocabulary(wildcards={"long": ("x" * 4100,)})
    with pytest.raises(InvalidValue, match=r"Prompt has 4,100 characters with all that it stands for"):
        bind(IMAGINE, {"prompt": "__long__"}, CHOICES, 1, words=words)
    with pytest.raises(InvalidValue, match=r"Write a prompt\."):
        bind(IMAGINE, {"prompt": "<lora:x>"}, CHOICES, 1)


def test_letters_that_nobody_sees_are_counted() -> None:
    """In all texts; line ends are none of them."""
    bound = bind(IMAGINE, {"prompt": "a\x00 \u202efox\r\nb", "negative": "\x07fog"}, CHOICES, 1)
    assert (bound.unseen, bound.values["prompt"], bound.values["negative"]) == (3, "a fox\nb", "fog")
