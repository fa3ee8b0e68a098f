"""The Discord adapter's settings, from the environment or `.env`."""

from __future__ import annotations

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.contract.environment import env_files
from bot.errors import ConfigError


class DiscordSettings(BaseSettings):
    """The bot's token, what it may read, and where Discord is."""

    model_config = SettingsConfigDict(
        env_file=env_files(), env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore", frozen=True
    )

    discord_token: str | None = Field(default=None, repr=False, description="The bot's token.")
    discord_api_base: str = Field(
        default="https://discord.com/api/v10", pattern=r"^https?://", description="Discord's REST API."
    )
    discord_gateway_url: str | None = Field(
        default=None,
        pattern=r"^wss?://",
        description="Discord's gateway. Without it: the one that the REST API names.",
    )
    discord_message_content: bool = Field(
        default=False,
        description="Whether the bot reads all messages (needs the Message Content Intent).",
    )
    discord_shards: int | None = Field(
        default=None, ge=1, description="Connections to the gateway. Without it: as many as Discord asks for."
    )


def read_settings() -> DiscordSettings:
    """The settings as they are now. Raises `ConfigError` that says which is wrong."""
    try:
        return DiscordSettings()
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"{str(first['loc'][0]).upper()}: {first['msg']}. See .env.example.") from error
