"""The core's settings, from the environment or a file `.env`. Each adapter brings its own beside these."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from platformdirs import user_data_path
from pydantic import BeforeValidator, Field, FilePath, SecretStr, ValidationError, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from bot.comfy.access import Access, parse_headers
from bot.comfy.address import parse_address
from bot.community import CommunitySettings
from bot.contract.environment import env_files
from bot.errors import ConfigError
from bot.scheduling.caps import Caps, Purse
from bot.scheduling.choice import SLACK_SECONDS
from bot.scheduling.holds import ALWAYS, Hours, Plan, parse_hours
from bot.store.claims import Rules
from bot.worker.elsewhere import lease_name


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _people(value: object) -> object:
    """`discord:1,web:2` as pairs. Raises `ValueError` for a part that is none."""
    if not isinstance(value, str):
        return value
    pairs = [part.strip().partition(":") for part in value.split(",") if part.strip()]
    if any(not platform.strip() or not known_as.strip() for platform, _, known_as in pairs):
        raise ValueError("each must look like discord:123456789012345678")
    return [(platform.strip().lower(), known_as.strip()) for platform, _, known_as in pairs]


def _plan(value: object) -> object:
    """`22:00-08:00,desk:8188=20:00-23:00` as the hours of some backends and of all others. Raises `ValueError`."""
    if not isinstance(value, str):
        return value
    others: Hours | None = None
    by_backend: dict[str, Hours] = {}
    for part in filter(None, (part.strip() for part in value.split(","))):
        server, equals, hours = part.rpartition("=")
        if not equals:
            others = parse_hours(part)
            continue
        try:
            by_backend[lease_name(parse_address(server).url)] = parse_hours(hours)
        except ConfigError as error:
            raise ValueError(str(error)) from None
    return Plan(others=others, by_backend=by_backend)


class Settings(CommunitySettings):
    """What the core reads. Names are those of the environment, in lower case."""

    model_config = SettingsConfigDict(
        env_file=env_files(),
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    comfyui_urls: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)] = Field(
        default=("http://127.0.0.1:8188",),
        min_length=1,
        repr=False,
        description="The ComfyUI servers, comma separated. Each may hold a login, a query, and its own headers.",
    )
    comfyui_token: SecretStr | None = Field(
        default=None, description="A token that all ComfyUI servers get, as `Authorization: Bearer`."
    )
    comfyui_headers: SecretStr | None = Field(
        default=None, description="Headers that all of them get: `Name: value`, separated by `|`."
    )
    comfyui_ca_file: FilePath | None = Field(
        default=None, description="Who issued the servers' certificates, beside those that the system knows."
    )
    comfyui_client_cert: FilePath | None = Field(
        default=None,
        description="Our certificate and its key for servers that ask for one, both in one file.",
    )
    comfyui_insecure_tls: bool = Field(
        default=False, description="Whether to accept any certificate: whoever is on the way can read all."
    )
    comfyui_proxy: SecretStr | None = Field(
        default=None,
        description="The HTTP proxy on the way to the servers, instead of HTTP_PROXY and HTTPS_PROXY.",
    )
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description="Where people reach the page from outside. Files that are too large for a chat are linked there.",
    )
    data_dir: Path = Field(
        default_factory=lambda: user_data_path("muralist", appauthor=False),
        description="Where the database, the pictures and the owner's workflows lie.",
    )
    database_url: str | None = Field(
        default=None, repr=False, description="The database. Without it: SQLite in DATA_DIR."
    )
    workflows_dir: Path | None = Field(
        default=None, description="The owner's workflows. Without it: DATA_DIR/workflows."
    )
    workflow_order: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)] = Field(
        default=(),
        description="Workflows that are tried before all others for what they do, the first first, comma separated.",
    )
    allow_nodes: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)] = Field(
        default=(),
        description="Classes of nodes that may reach files, addresses or code in workflows that are added in a chat, "
        "comma separated.",
    )
    allow_paid_nodes: bool = Field(
        default=False,
        description="Whether workflows may ask services that cost money, by ComfyUI's partner nodes.",
    )
    comfy_api_key: SecretStr | None = Field(
        default=None, description="The key of the Comfy account that pays for partner nodes."
    )
    most_paid_per_person: int = Field(
        default=10,
        ge=0,
        description="Jobs that cost money that a person may ask for in a day. 0: any number.",
    )
    most_dollars_per_person: float = Field(
        default=0.0,
        ge=0,
        description="What a person's jobs may cost in a day, in dollars, as far as nodes tell. 0: any amount.",
    )
    admins: Annotated[tuple[tuple[str, str], ...], NoDecode, BeforeValidator(_people)] = Field(
        default=(), description="Who is admin: platform and id of each, as in discord:123456789012345678."
    )
    embedded_workflows: Literal["strip", "keep"] = Field(
        default="strip",
        description="Whether people get the workflow, prompt included, that ComfyUI writes into its files.",
    )
    most_waiting_per_person: int = Field(
        default=50, ge=0, description="Jobs that a person may have waiting at once. 0: as many as they like."
    )
    most_waiting_per_place: int = Field(
        default=0, ge=0, description="Jobs that may wait at once in a channel or chat. 0: any number."
    )
    most_running_per_person: int = Field(
        default=0, ge=0, description="Jobs of a person that servers may have at once. 0: any number."
    )
    most_running_per_place: int = Field(
        default=0, ge=0, description="Jobs of a channel or chat that servers may have at once. 0: any number."
    )
    cooldown_seconds: float = Field(
        default=0.0, ge=0, description="How long a person has to wait before they ask for the next job."
    )
    model_slack_seconds: float = Field(
        default=SLACK_SECONDS,
        ge=0,
        description="How much more of the servers' time than somebody who waits others may get because their models "
        "are loaded.",
    )
    gpu_hours: Annotated[Plan, NoDecode, BeforeValidator(_plan)] = Field(
        default=ALWAYS,
        description="When the bot may use the servers, by this machine's clock: 22:00-08:00, several with + between "
        "them; for one server alone with its address before it, comma separated: desk:8188=22:00-08:00.",
    )
    stop_seconds: float = Field(
        default=5.0,
        ge=0,
        description="How long a process that is told to stop lets what runs come to its end, before it hands it over.",
    )
    log_format: Literal["console", "json"] = Field(
        default="console", description="How logs are written: console or json."
    )

    @field_validator("comfyui_urls")
    @classmethod
    def _http(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        for text in urls:
            if not text.startswith(("http://", "https://")):
                raise ValueError("each must look like http://127.0.0.1:8188")
            try:
                parse_address(text)
            except ConfigError as error:
                raise ValueError(str(error)) from None
        return urls

    @field_validator("comfyui_headers")
    @classmethod
    def _sendable(cls, headers: SecretStr | None) -> SecretStr | None:
        parse_headers(headers.get_secret_value() if headers is not None else "")
        return headers

    @property
    def access(self) -> Access:
        """How the servers are reached, beside their addresses."""
        headers = parse_headers(_secret(self.comfyui_headers) or "")
        token = _secret(self.comfyui_token)
        return Access(
            headers={"Authorization": f"Bearer {token}", **headers} if token else headers,
            ca_file=self.comfyui_ca_file,
            client_cert=self.comfyui_client_cert,
            insecure_tls=self.comfyui_insecure_tls,
            proxy=_secret(self.comfyui_proxy),
        )

    @property
    def rules(self) -> Rules:
        """What people may have at once, and how far loaded models may change the order."""
        return Rules(
            caps=Caps(
                waiting_person=self.most_waiting_per_person or None,
                waiting_place=self.most_waiting_per_place or None,
                running_person=self.most_running_per_person or None,
                running_place=self.most_running_per_place or None,
                cooldown=self.cooldown_seconds,
            ),
            slack=self.model_slack_seconds,
            plan=self.gpu_hours,
        )

    @property
    def api_key(self) -> str | None:
        """The key that pays, where that is allowed."""
        return _secret(self.comfy_api_key) if self.allow_paid_nodes else None

    @property
    def purse(self) -> Purse:
        """What may be spent."""
        return Purse(
            allowed=self.allow_paid_nodes,
            has_key=self.comfy_api_key is not None,
            jobs=self.most_paid_per_person or None,
            dollars=self.most_dollars_per_person or None,
        )

    @property
    def database(self) -> str:
        """SQLAlchemy's URL of the database."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir / 'muralist.db'}"

    @property
    def own_workflows(self) -> Path:
        """The folder of the owner's workflows."""
        return self.workflows_dir or self.data_dir / "workflows"


def read_settings() -> Settings:
    """The settings as they are now. Raises `ConfigError` that names the one that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]).upper()
        raise ConfigError(
            f"{name}: {first['msg']}. See .env.example."
        ) from None  # pydantic's own text may repeat a secret


def _secret(value: SecretStr | None) -> str | None:
    return None if value is None else value.get_secret_value()
