"""The one tree of errors.

    MuralistError
    ├── UserError              a person did something that can't be done; its text is safe to show
    │   ├── InvalidValue       a parameter's value is out of range, unknown or missing
    │   ├── MediaRejected      an uploaded file can't be used
    │   │   ├── MediaTooLarge
    │   │   ├── MediaGone
    │   │   └── NoPicture
    │   ├── UnknownCommand
    │   ├── NoSuchJob          unknown, or somebody else's: the two are not told apart
    │   ├── NotAllowed         this person may not do this
    │   │   └── NotListed      nor anything else here
    │   ├── TooMuch            not so many, or not so soon
    │   ├── Stale              a button or link that no longer leads anywhere
    │   ├── NoBackend          no ComfyUI answers now
    │   ├── NotOffered         no ComfyUI here has the model or node that is needed
    │   └── Unexpected         an error of ours, in words for the person who met it
    ├── BackendError           what happened on a ComfyUI; `sentence` is safe to show, `detail` is for logs
    │   ├── CannotConnect      it did not answer
    │   ├── Refused            it answered that it will not run the graph
    │   │   ├── MissingNode    it lacks a node class that the graph needs
    │   │   └── MissingModel   it lacks a model file that the graph names
    │   ├── NodeFailed         a node raised while it ran
    │   │   └── OutOfMemory
    │   ├── Lost               it no longer knows the attempt, or died under it
    │   └── Stopped            somebody stopped the attempt there
    ├── DeliveryError          a chat message could not be shown
    │   ├── AddressGone        never again at this address
    │   ├── AddressExpired     not before a press on the card renews it
    │   └── SlowDown           later: `retry_after` seconds
    ├── LeaseLost              another process holds it now; whatever was being written changes nothing
    └── ConfigError            the owner's settings or files are wrong; says which and what to do

Every text that reaches a person says what went wrong and what to do next; it holds no path, token or
traceback.
"""

from __future__ import annotations


class MuralistError(Exception):
    """Root of everything that Muralist raises on purpose."""


class UserError(MuralistError):
    """A person's request can't be done. `str(error)` is safe to show; `code` is stable, for programs."""

    code = "invalid_request"


class InvalidValue(UserError):
    """The value of `parameter` can't be used."""

    code = "invalid_value"

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter


class MediaRejected(UserError):
    """A file that somebody sent can't be used as input."""

    code = "media_rejected"


class MediaTooLarge(MediaRejected):
    """A file of more than `limit` bytes."""

    def __init__(self, name: str, limit: int) -> None:
        super().__init__(f"{name} is too large: at most {limit // 2**20} MB. Send a smaller one.")


class MediaGone(MediaRejected):
    """A file that can't be fetched from where it was."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} can't be fetched any more. Send it again.")


class NoPicture(MediaRejected):
    """Something was to be done with a picture, and there is none."""

    def __init__(self) -> None:
        super().__init__("There is no picture in that message. Choose one that has a picture.")


class UnknownCommand(UserError):
    """No command or workflow of that name."""

    code = "unknown_command"


class NoSuchJob(UserError):
    """The job is unknown, or not this person's."""

    code = "no_such_job"

    def __init__(self) -> None:
        super().__init__("There is no such job of yours.")


class NotAllowed(UserError):
    """This person may not do this."""

    code = "not_allowed"


class NotListed(NotAllowed):
    """A stranger to a bot that serves listed people and chats only."""

    def __init__(self, person: str, chat: str | None, setting: str) -> None:
        here = f", this chat's is {chat}" if chat is not None else ""
        super().__init__(
            f"This bot is private. Your id is {person}{here}. Its owner can let you in: /allow {chat or person}, or "
            f"the setting {setting}."
        )


class TooMuch(UserError):
    """A person or a place has as much as it may, or asks too soon; the text says until when."""

    code = "too_much"


class Stale(UserError):
    """A button, link or reply whose target is gone."""

    code = "stale"

    def __init__(self, message: str = "That has expired. Send the command again.") -> None:
        super().__init__(message)


class NoBackend(UserError):
    """No ComfyUI answers at the moment."""

    code = "no_backend"


class NotOffered(UserError):
    """No ComfyUI here has a model or node that the workflow needs."""

    code = "not_offered"


class Unexpected(UserError):
    """Something broke here; the log has it."""

    code = "internal"

    def __init__(self) -> None:
        super().__init__("Something went wrong here. Try again; the log says more.")


class BackendError(MuralistError):
    """Something went wrong on, or on the way to, a ComfyUI server."""

    code = "backend"

    def __init__(self, sentence: str, *, detail: str = "") -> None:
        super().__init__(f"{sentence} [{detail}]" if detail else sentence)
        self.sentence = sentence
        self.detail = detail


class CannotConnect(BackendError):
    """The server did not answer. `maybe_sent` is true if the request may have reached it all the same."""

    code = "cannot_connect"

    def __init__(self, sentence: str, *, detail: str = "", maybe_sent: bool = True) -> None:
        super().__init__(sentence, detail=detail)
        self.maybe_sent = maybe_sent


class Refused(BackendError):
    """The server will not run the graph (400, or a 200 that dropped part of it)."""

    code = "refused"


class MissingNode(Refused):
    """The server lacks a node class that the graph needs."""

    code = "missing_node"


class MissingModel(Refused):
    """The server lacks a model file that the graph names."""

    code = "missing_model"


class NodeFailed(BackendError):
    """A node raised while it ran."""

    code = "node_failed"


class OutOfMemory(NodeFailed):
    """The GPU ran out of memory."""

    code = "out_of_memory"


class Lost(BackendError):
    """The server no longer knows the attempt: it was restarted, or somebody deleted it there."""

    code = "lost"


class Stopped(BackendError):
    """Somebody stopped the attempt at the server itself."""

    code = "stopped"


class DeliveryError(MuralistError):
    """A card could not be shown."""


class AddressGone(DeliveryError):
    """The message, its chat or the right to edit it is gone; trying again only harms."""


class AddressExpired(DeliveryError):
    """The message can't be changed until a press on it brings a new address."""


class SlowDown(DeliveryError):
    """The platform asks for a pause of `retry_after` seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"asked to wait {retry_after:.1f} s")
        self.retry_after = retry_after


class LeaseLost(MuralistError):
    """Another process holds the lease; the write that raised this changed nothing."""


class ConfigError(MuralistError):
    """A setting or a file of the owner's is wrong. `str(error)` names it and says what to do."""
