"""All that a person does on the page, by mouse, keyboard and finger, at both sizes, in both colours."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.browser.conftest import Visit
from tests.browser.hands import Finger, Hands, Keys, Mouse
from tests.browser.things import THINGS, Person

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """Somebody, their screen and its colours, and how they work it."""

    name: str
    hands: Hands
    scheme: str
    phone: bool


LOOKS = {
    "desktop, light, mouse": Look(name="Ada", hands=Mouse(), scheme="light", phone=False),
    "desktop, dark, keyboard": Look(name="Bo Li", hands=Keys(), scheme="dark", phone=False),
    "phone, light, finger": Look(name="Cy", hands=Finger(), scheme="light", phone=True),
    "phone, dark, finger": Look(name="Di", hands=Finger(), scheme="dark", phone=True),
}
SIZES = {False: {"width": 1180, "height": 860}, True: {"width": 390, "height": 780}}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS.keys())
async def test_everything_that_a_person_does(visit: Visit, look: Look) -> None:
    """One after the other, in a room of their own."""
    chat = await visit(
        viewport=SIZES[look.phone], is_mobile=look.phone, has_touch=look.phone, color_scheme=look.scheme
    )
    person = Person(name=look.name, chat=chat, hands=look.hands, scheme=look.scheme)
    for thing in THINGS:
        await thing(person)
