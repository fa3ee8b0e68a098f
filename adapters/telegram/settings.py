"""The Telegram adapter's settings, from the environment or `.env`."""

from __future__ import annotations

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.contract.environment import env_files
from bot.errors import ConfigError


class TelegramSettings(BaseSettings):
    """The bot's token, and where the Bot API is."""

    model_config = SettingsConfigDict(
        env_file=env_files(), env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore", frozen=True
    )

    telegram_token: str | None = Field(default=None, description="The bot's token.")
    telegram_api_base: str = Field(
        default="https://api.telegram.org/bot",
        pattern=r"^https?://",
        description="The Bot API, up to where the token stands; a local Bot API server, for instance.",
    )

    @field_validator("telegram_api_base")
    @classmethod
    def _up_to_the_token(cls, base: str) -> str:
        """A bare host means the usual path."""
        base = base.rstrip("/")
        return base if base.endswith("/bot") else f"{base}/bot"


def read_settings() -> TelegramSettings:
    """The settings as they are now. Raises `ConfigError` that says which is wrong."""
    try:
        return TelegramSettings()
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"{str(first['loc'][0]).upper()}: {first['msg']}. See .env.example.") from error
