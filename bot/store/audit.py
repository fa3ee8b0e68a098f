"""The audit trail: who changed what, on whom, from what to what."""

from __future__ import annotations

from sqlalchemy import Connection, func, insert, select

from bot.contract.overview import Change
from bot.contract.values import Actor
from bot.store.database import Database, reading, writing
from bot.store.tables import audit


class Audit:
    """Adds to the trail and shows its end; nothing is ever taken out."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @writing
    def note(self, connection: Connection, change: Change) -> None:
        """Note a change that was made elsewhere than in this database's tables."""
        note(connection, change)

    @reading
    def newest(self, connection: Connection, most: int) -> list[Change]:
        """The last changes, the newest first."""
        query = select(audit).order_by(audit.c.number.desc()).limit(most)
        return [
            Change(
                at=row.at,
                by=Actor(platform=row.platform, external_id=row.external_id, name=row.name),
                what=row.what,
                whom=row.whom,
                before=row.before,
                after=row.after,
            )
            for row in connection.execute(query)
        ]


def note(connection: Connection, change: Change) -> None:
    """The same in the transaction that makes the change."""
    connection.execute(
        insert(audit).values(
            number=select(func.coalesce(func.max(audit.c.number), 0) + 1).scalar_subquery(),
            at=change.at,
            platform=change.by.platform,
            external_id=change.by.external_id,
            name=change.by.name,
            what=change.what,
            whom=change.whom,
            before=change.before,
            after=change.after,
        )
    )
