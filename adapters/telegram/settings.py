"""The Telegram adapter's settings, from the environment or `.env`."""

from __future__ import annotations

import re
from typing import Annotated

import yarl
from pydantic import BeforeValidator, Field, FilePath, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.contract.environment import env_files
from bot.errors import ConfigError

PLATFORM = "telegram"


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class TelegramSettings(BaseSettings):
    """The bot's token, whom it serves, how it receives, and where the Bot API is."""

    model_config = SettingsConfigDict(
        env_file=env_files(),
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    telegram_token: str | None = Field(default=None, description="The bot's token.")
    telegram_allowed: Annotated[tuple[int, ...], NoDecode, BeforeValidator(_split)] = Field(
        default=(), description="Ids of the people and chats that it serves, comma separated."
    )
    telegram_public: bool = Field(default=False, description="Whether it serves everybody.")
    telegram_api_base: str = Field(
        default="https://api.telegram.org/bot",
        pattern=r"^https?://",
        description="The Bot API, up to where the token stands; a local Bot API server, for instance.",
    )
    telegram_file_base: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description="Its files, up to where the token stands. Without it: beside the Bot API.",
    )
    telegram_local: bool = Field(
        default=False, description="Whether that is a Bot API server on this machine, run with --local."
    )
    telegram_webhook_url: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description="Where Telegram delivers messages. Without it they are fetched.",
    )
    telegram_webhook_secret: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_-]{1,256}$",
        description="What Telegram shows with each delivery. Without it: a new one each start.",
    )
    telegram_webhook_host: str = Field(default="127.0.0.1", description="The address that it is received at.")
    telegram_webhook_port: int = Field(default=8443, ge=0, le=65535, description="The port for that.")
    telegram_webhook_certificate: FilePath | None = Field(
        default=None, description="A certificate of one's own (PEM); Telegram is told of it."
    )
    telegram_webhook_key: FilePath | None = Field(default=None, description="The key of that (PEM).")

    @field_validator("telegram_api_base")
    @classmethod
    def _up_to_the_token(cls, base: str) -> str:
        """A bare host means the usual path."""
        base = base.rstrip("/")
        return base if base.endswith("/bot") else f"{base}/bot"

    @field_validator("telegram_file_base")
    @classmethod
    def _files_up_to_the_token(cls, base: str | None) -> str | None:
        if base is None or base.rstrip("/").endswith("/file/bot"):
            return base and base.rstrip("/")
        return f"{base.rstrip('/')}/file/bot"

    @model_validator(mode="after")
    def _key_and_certificate(self) -> TelegramSettings:
        if self.telegram_webhook_key is not None and self.telegram_webhook_certificate is None:
            raise ValueError("TELEGRAM_WEBHOOK_KEY needs TELEGRAM_WEBHOOK_CERTIFICATE")
        return self

    @property
    def file_base(self) -> str:
        """Where files are, up to the token."""
        return self.telegram_file_base or re.sub(r"/bot$", "/file/bot", self.telegram_api_base)

    @property
    def webhook_path(self) -> str:
        """The path that deliveries come to."""
        return yarl.URL(self.telegram_webhook_url or "").path or "/"

    def serves(self, user: int, chat: int) -> bool:
        """Whether somebody is served there, admin or not."""
        return self.telegram_public or user in self.telegram_allowed or chat in self.telegram_allowed


def read_settings() -> TelegramSettings:
    """The settings as they are now. Raises `ConfigError` that says which is wrong."""
    try:
        return TelegramSettings()
    except ValidationError as error:
        first = error.errors()[0]
        name = f"{str(first['loc'][0]).upper()}: " if first["loc"] else ""
        raise ConfigError(f"{name}{first['msg']}. See .env.example.") from None
