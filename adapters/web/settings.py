"""The web adapter's settings, from the environment or `.env`."""

from __future__ import annotations

import ipaddress

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.contract.environment import env_files
from bot.errors import ConfigError


class WebSettings(BaseSettings):
    """Where the page is served, and the token that it asks for."""

    model_config = SettingsConfigDict(
        env_file=env_files(), env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore", frozen=True
    )

    web_host: str = Field(default="127.0.0.1", description="The address that the page is served at.")
    web_port: int = Field(default=8190, ge=0, le=65535, description="Its port; 0 takes a free one.")
    web_token: str | None = Field(
        default=None,
        min_length=16,
        description="What the page and the API ask for. Needed beyond this machine.",
    )


def read_settings() -> WebSettings:
    """The settings as they are now. Raises `ConfigError` that says which is wrong."""
    try:
        settings = WebSettings()
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"{str(first['loc'][0]).upper()}: {first['msg']}. See .env.example.") from error
    if settings.web_token is None and not is_loopback(settings.web_host):
        raise ConfigError(
            f"WEB_HOST is {settings.web_host}, which others can reach, but there is no WEB_TOKEN. "
            "Set WEB_TOKEN to at least 16 characters, or WEB_HOST to 127.0.0.1."
        )
    return settings


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
