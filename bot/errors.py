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
    │   ├── NoRoom             the disk is full
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
    ├── GraphError             a graph that is made in code is one that no server would run
    └── ConfigError            the owner's settings or files are wrong; says which and what to do

Every text that reaches a person says what went wrong and what to do next; it holds no path, token or
traceback. `cure` is what the owner can do beyond that; docs/troubleshooting.md is made of the sentences and these.
"""

from __future__ import annotations

from typing import ClassVar


class MuralistError(Exception):
    """Root of everything that Muralist raises on purpose."""

    cure: ClassVar[str] = "The log of `muralist run` has it with its details."


class UserError(MuralistError):
    """A person's request can't be done. `str(error)` is safe to show; `code` is stable, for programs."""

    cure = "Do what the sentence says; nothing was queued, so the same request can be sent again."

    code = "invalid_request"


class InvalidValue(UserError):
    """The value of `parameter` can't be used."""

    cure = (
        "`/help` and `muralist workflow show NAME` list every option with its range. A choice that is "
        "missing is a file that ComfyUI lacks: put it there, and Muralist finds it within a minute or so."
    )

    code = "invalid_value"

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter


class MediaRejected(UserError):
    """A file that somebody sent can't be used as input."""

    cure = (
        "Send a PNG, JPEG, WebP or GIF of at most 25 MB and 50 megapixels. What is damaged opens nowhere "
        "else either: save it anew. docs/media.md has all limits."
    )

    code = "media_rejected"


class MediaTooLarge(MediaRejected):
    """A file of more than `limit` bytes."""

    cure = (
        "Send a smaller file, or save it with a higher compression. The limits are the platform's: "
        "docs/discord.md, docs/telegram.md, docs/media.md."
    )

    def __init__(self, name: str, limit: int) -> None:
        super().__init__(f"{name} is too large: at most {limit // 2**20} MB. Send a smaller one.")


class MediaGone(MediaRejected):
    """A file that can't be fetched from where it was."""

    cure = (
        "The chat no longer gives the file to the bot: upload it once more instead of answering an old "
        "message."
    )

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} can't be fetched any more. Send it again.")


class NoPicture(MediaRejected):
    """Something was to be done with a picture, and there is none."""

    cure = "Answer or choose a message that shows a picture; text and files of other kinds do not count."

    def __init__(self) -> None:
        super().__init__("There is no picture in that message. Choose one that has a picture.")


class UnknownCommand(UserError):
    """No command or workflow of that name."""

    cure = (
        "`/help` in the chat and `muralist workflow list` name the commands. A workflow of your own that "
        "is missing has a mistake in it: `muralist check` says which."
    )

    code = "unknown_command"


class NoSuchJob(UserError):
    """The job is unknown, or not this person's."""

    cure = (
        "Jobs are seen by whoever asked for them, where they asked. In the terminal `muralist jobs` lists "
        "yours; admins end anybody's."
    )

    code = "no_such_job"

    def __init__(self) -> None:
        super().__init__("There is no such job of yours.")


class NotAllowed(UserError):
    """This person may not do this."""

    cure = (
        "The owner names admins in `ADMINS`, as in `discord:1234`, and starts Muralist again. Admins give levels "
        "with `/level` and open places with `/place`; docs/permissions.md says what each level may do."
    )

    code = "not_allowed"


class NotListed(NotAllowed):
    """A stranger to a bot that serves listed people and chats only."""

    cure = (
        "An admin writes `/allow` with the id that the sentence tells; or the owner adds it to the setting "
        "that is named, and starts Muralist again."
    )

    def __init__(self, person: str, chat: str | None, setting: str) -> None:
        here = f", this chat's is {chat}" if chat is not None else ""
        super().__init__(
            f"This bot is private. Your id is {person}{here}. Its owner can let you in: /allow {chat or person}, or "
            f"the setting {setting}."
        )


class TooMuch(UserError):
    """A person or a place has as much as it may, or asks too soon; the text says until when."""

    cure = (
        "Wait for what you asked for, or cancel some of it. The owner sets how much a person and a place may "
        "have, and how soon again: the settings are in .env.example."
    )

    code = "too_much"


class Stale(UserError):
    """A button, link or reply whose target is gone."""

    cure = (
        "Send the command again: what the button, link or answer led to was deleted or is of an older "
        "version."
    )

    code = "stale"

    def __init__(self, message: str = "That has expired. Send the command again.") -> None:
        super().__init__(message)


class NoBackend(UserError):
    """No ComfyUI answers at the moment."""

    cure = (
        "Start ComfyUI. If it runs, `muralist check` says what stands between: the address in "
        "`COMFYUI_URLS`, a login, a certificate, a firewall; from within a container 127.0.0.1 is the "
        "container's own (docs/installing.md)."
    )

    code = "no_backend"


class NotOffered(UserError):
    """No ComfyUI here has a model or node that the workflow needs."""

    cure = (
        "Put the model that is named into ComfyUI's `models` folder, or install the node through its "
        "manager, and restart ComfyUI. `muralist check` lists what each server lacks."
    )

    code = "not_offered"


class NoRoom(UserError):
    """The disk is full: nothing can be kept."""

    cure = (
        "Free some space on the disk of `DATA_DIR`. Nothing that was shown as done is lost; what is queued goes on by "
        "itself when there is room. `muralist_disk_free_bytes` and `/readyz` tell of it ([operating.md](operating.md))."
    )

    code = "no_room"

    def __init__(self) -> None:
        super().__init__(
            "The disk of the machine that Muralist runs on is full. Tell its owner; try again when there is room."
        )


class Unexpected(UserError):
    """Something broke here; the log has it."""

    cure = (
        "Try again. If it comes again, the log of `muralist run` has a traceback at that moment; it "
        "belongs into a bug report."
    )

    code = "internal"

    def __init__(self) -> None:
        super().__init__("Something went wrong here. Try again; the log says more.")


class BackendError(MuralistError):
    """Something went wrong on, or on the way to, a ComfyUI server."""

    cure = "`muralist check` looks at every ComfyUI; the console of ComfyUI says the rest."

    code = "backend"

    def __init__(self, sentence: str, *, detail: str = "") -> None:
        super().__init__(f"{sentence} [{detail}]" if detail else sentence)
        self.sentence = sentence
        self.detail = detail


class CannotConnect(BackendError):
    """The server did not answer. `maybe_sent` is true if the request may have reached it all the same."""

    cure = (
        "Check that ComfyUI runs and that `COMFYUI_URLS` is right, from the machine that Muralist runs "
        "on. Waiting jobs go on by themselves when it answers again."
    )

    code = "cannot_connect"

    def __init__(self, sentence: str, *, detail: str = "", maybe_sent: bool = True) -> None:
        super().__init__(sentence, detail=detail)
        self.maybe_sent = maybe_sent


class Refused(BackendError):
    """The server will not run the graph (400, or a 200 that dropped part of it)."""

    cure = (
        "The workflow does not fit this ComfyUI. Load it in ComfyUI, mend what is red, export it with "
        "Workflow > Export (API) and replace graph.json."
    )

    code = "refused"


class MissingNode(Refused):
    """The server lacks a node class that the graph needs."""

    cure = "Install the custom node by ComfyUI's manager, restart ComfyUI, and run `muralist check`."

    code = "missing_node"


class MissingModel(Refused):
    """The server lacks a model file that the graph names."""

    cure = (
        "Put the file into the folder of ComfyUI that the sentence names, or choose another with the "
        "option of that name. Muralist finds new files within a minute or so."
    )

    code = "missing_model"


class NodeFailed(BackendError):
    """A node raised while it ran."""

    cure = (
        "The words after the colon are the node's own, and ComfyUI's console has the whole of it. Other "
        "values often help; run the workflow in ComfyUI itself to see whether it can work at all."
    )

    code = "node_failed"


class OutOfMemory(NodeFailed):
    """The GPU ran out of memory."""

    cure = "A smaller size, fewer pictures at once or a smaller model; and close what else uses the GPU."

    code = "out_of_memory"


class Lost(BackendError):
    """The server no longer knows the attempt: it was restarted, or somebody deleted it there."""

    cure = (
        "ComfyUI was restarted or its queue was cleared. Muralist tries such a job again by itself, up to "
        "three times; then send it again, and look at ComfyUI's console for why it died."
    )

    code = "lost"


class Stopped(BackendError):
    """Somebody stopped the attempt at the server itself."""

    cure = "Somebody pressed stop or deleted the job in ComfyUI itself. Send it again."

    code = "stopped"


class DeliveryError(MuralistError):
    """A card could not be shown."""

    cure = "The log has it. Results are kept, and shown as soon as the platform allows it."


class AddressGone(DeliveryError):
    """The message, its chat or the right to edit it is gone; trying again only harms."""

    cure = (
        "The message, or the bot's right to edit it, is gone for good: send the command again. The "
        "picture is still in the list of the page or terminal that asked for it."
    )


class AddressExpired(DeliveryError):
    """The message can't be changed until a press on it brings a new address."""

    cure = "Press the button on the message: its platform allows the edit again then."


class SlowDown(DeliveryError):
    """The platform asks for a pause of `retry_after` seconds."""

    cure = (
        "Nothing is to be done: the platform was asked too often, and is left alone for as long as it says."
    )

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"asked to wait {retry_after:.1f} s")
        self.retry_after = retry_after


class LeaseLost(MuralistError):
    """Another process holds the lease; the write that raised this changed nothing."""

    cure = (
        "Two processes work on one DATA_DIR, or this one stood still for seconds (a laptop that slept, a "
        "full disk, a debugger). The other one goes on; nothing is done twice."
    )


class GraphError(MuralistError):
    """A graph that is made in code does not fit the nodes of the server that it is for."""

    cure = "ComfyUI's nodes are others than they were: update ComfyUI, or what brings the node that is named."


class ConfigError(MuralistError):
    """A setting or a file of the owner's is wrong. `str(error)` names it and says what to do."""

    cure = (
        "Mend the setting or file that is named and start again; `muralist check` looks at all of them, "
        "`muralist setup` asks for the usual ones, and .env.example explains each."
    )
