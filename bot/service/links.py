"""Addresses of outputs that whoever has one may open: for files that are too large for a chat."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from urllib.parse import quote

from bot.contract.card import Media
from bot.contract.values import JobId, OutputRef
from bot.errors import NoSuchJob, Stale
from bot.service.look import Look
from bot.store.memory import Memory

OWNER, NAME = "links", "secret"
"""Where the secret lies, beside what adapters keep."""

KEY_LETTERS = 32


class Links:
    """Makes such addresses, and tells whether one is ours. Without a `base` address there are none."""

    def __init__(self, base: str | None, secret: str) -> None:
        self._base = None if base is None else base.rstrip("/")
        self._secret = secret.encode()

    def to(self, media: Media) -> str | None:
        """The address of an output; None if nothing is served to the outside."""
        if self._base is None:
            return None
        ref = OutputRef(job=JobId(media.job), index=media.index)
        return f"{self._base}/files/{ref.job}/{ref.index}/{self._key(ref)}/{quote(media.name, safe='')}"

    async def open(self, look: Look, ref: OutputRef, key: str) -> Media:
        """The output that an address leads to. Raises `Stale` if it is none of ours, or the output was deleted."""
        if not hmac.compare_digest(self._key(ref).encode(), key.encode(errors="replace")):
            raise Stale("There is no such file.")
        try:
            return await look.any_output(ref)
        except NoSuchJob:
            raise Stale("There is no such file.") from None

    def _key(self, ref: OutputRef) -> str:
        signed = f"{ref.job}:{ref.index}".encode()
        return hmac.new(self._secret, signed, hashlib.sha256).hexdigest()[:KEY_LETTERS]


async def read_secret(memory: Memory) -> str:
    """The secret of this installation, made at the first start."""
    if not await memory.find(OWNER, NAME):
        await memory.keep(OWNER, NAME, {"secret": secrets.token_hex(32)})
    secret: str = (await memory.find(OWNER, NAME))[NAME]["secret"]
    return secret
