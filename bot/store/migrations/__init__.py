"""Alembic migrations: one file a step, in order."""
