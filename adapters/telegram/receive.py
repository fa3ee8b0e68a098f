"""Updates from Telegram: fetched, or delivered to a webhook. One is confirmed once what comes of it is noted."""

from __future__ import annotations

import asyncio
import hmac
import secrets
import ssl
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web
from telegram import Bot, Update
from telegram.error import Conflict, InvalidToken, NetworkError, RetryAfter

from adapters.telegram.refusals import seconds
from adapters.telegram.settings import TelegramSettings
from bot.errors import ConfigError

log = structlog.get_logger(__name__)

POLL_SECONDS = 30
ALLOWED = ("message", "callback_query")
TRIES = 3
"""How often an update is tried that could not be noted."""

RETRY_FIRST, RETRY_MOST = 1.0, 30.0
CONFLICT_SECONDS = 2.0
CONFLICTS_NEW, CONFLICTS_MOST = 2, 20
"""How often another poller may take our place before we leave: late if we fetched undisturbed before it came."""

SHOWN_WITH = "X-Telegram-Bot-Api-Secret-Token"

TakeIn = Callable[[Update], Awaitable[None]]

SECOND = ConfigError(
    "TELEGRAM_TOKEN: another program receives for this Telegram bot. Stop it, or make a bot of its own for each."
)


async def poll(bot: Bot, take_in: TakeIn, opened: Callable[[], None]) -> None:
    """Fetch updates until cancelled. Raises `ConfigError` if another program does, too."""
    await bot.delete_webhook()
    opened()
    offset, conflicts, served, failures = 0, 0, False, 0
    while True:
        try:
            updates = await bot.get_updates(
                offset, timeout=POLL_SECONDS, allowed_updates=ALLOWED, read_timeout=POLL_SECONDS + 10
            )
        except Conflict as error:
            conflicts += 1
            if conflicts >= (CONFLICTS_MOST if served else CONFLICTS_NEW):
                raise SECOND from error
            log.warning("another program fetches for this bot, too", times=conflicts)
            await asyncio.sleep(CONFLICT_SECONDS)
        except RetryAfter as error:
            await asyncio.sleep(seconds(error))
        except InvalidToken as error:
            raise ConfigError("TELEGRAM_TOKEN: Telegram does not know that token any more.") from error
        except NetworkError as error:
            failures += 1
            log.warning("Telegram does not answer", detail=error.message, times=failures)
            await asyncio.sleep(min(RETRY_FIRST * 2 ** (failures - 1), RETRY_MOST))
        else:
            failures, served = 0, served or conflicts == 0
            conflicts = 0 if served else conflicts
            for update in updates:
                await taken(update, take_in)
                offset = update.update_id + 1


async def taken(update: Update, take_in: TakeIn) -> bool:
    """Whether what comes of an update is noted: one that never can be must not stop all others."""
    for _ in range(TRIES):
        try:
            await take_in(update)
        except Exception:  # an adapter's callback
            log.exception("an update could not be taken", update=update.update_id)
            await asyncio.sleep(RETRY_FIRST)
        else:
            return True
    return False


async def listen(bot: Bot, settings: TelegramSettings, take_in: TakeIn, opened: Callable[[], None]) -> None:
    """Have updates delivered until cancelled. Raises `ConfigError` if nothing can listen there."""
    secret = settings.telegram_webhook_secret or secrets.token_urlsafe(32)
    app = web.Application(client_max_size=2**20)
    app.add_routes([web.post(settings.webhook_path, _receiver(bot, secret, take_in))])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await _site(runner, settings).start()
    except OSError as error:
        await runner.cleanup()
        raise ConfigError(
            f"TELEGRAM_WEBHOOK_PORT: {settings.telegram_webhook_host}:{settings.telegram_webhook_port} can't be "
            f"listened at: {error.strerror}."
        ) from error
    try:
        await bot.set_webhook(
            settings.telegram_webhook_url or "",
            certificate=settings.telegram_webhook_certificate,
            secret_token=secret,
            allowed_updates=ALLOWED,
        )
        opened()
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def _site(runner: web.AppRunner, settings: TelegramSettings) -> web.TCPSite:
    tls = None
    if settings.telegram_webhook_certificate is not None and settings.telegram_webhook_key is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(settings.telegram_webhook_certificate, settings.telegram_webhook_key)
    return web.TCPSite(
        runner, settings.telegram_webhook_host, settings.telegram_webhook_port, ssl_context=tls
    )


def _receiver(
    bot: Bot, secret: str, take_in: TakeIn
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def receive(request: web.Request) -> web.StreamResponse:
        shown = request.headers.get(SHOWN_WITH, "")
        if not hmac.compare_digest(shown.encode(), secret.encode()):
            return web.Response(status=403)
        try:
            update = Update.de_json(await request.json(), bot)
        except (ValueError, TypeError, KeyError):
            return web.Response(status=400)
        return web.Response(status=200 if await taken(update, take_in) else 500)

    return receive
