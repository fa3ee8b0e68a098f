"""News reaches those whom it concerns, and nobody else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.contract.values import JobId
from bot.feed import Feed, Live, News, Topic

JOB = JobId("job-1")
NOBODY: frozenset[JobId] = frozenset()
NOTHING = News(changed=NOBODY, over=NOBODY, progressed=NOBODY)
CHANGED = News(changed=frozenset({JOB}), over=NOBODY, progressed=NOBODY)
OVER = News(changed=frozenset({JOB}), over=frozenset({JOB}), progressed=NOBODY)
PROGRESSED = News(changed=NOBODY, over=NOBODY, progressed=frozenset({JOB}))


@pytest.mark.parametrize(
    ("topics", "heard"),
    [
        (Topic.QUEUED, [CHANGED, NOTHING, NOTHING, NOTHING, NOTHING]),
        (Topic.CANCEL, [NOTHING, CHANGED, NOTHING, NOTHING, NOTHING]),
        (Topic.CHANGED, [CHANGED, CHANGED, CHANGED, NOTHING, OVER]),
        (Topic.CHANGED | Topic.PROGRESS, [CHANGED, CHANGED, CHANGED, PROGRESSED, OVER]),
    ],
)
async def test_each_hears_what_it_listens_for(topics: Topic, heard: list[News]) -> None:
    """A job that waits, a cancel, another change, progress, and the end of a run, in this order."""
    feed = Feed()
    found = []
    with feed.ear(topics) as ear:
        for tell in (feed.queued, feed.cancelled, feed.changed, _progress(feed), feed.over):
            tell(JOB)
            found.append(await ear.news(0.0))
    assert found == heard


async def test_stirring_ends_a_wait_without_news() -> None:
    """However long it was meant to be."""
    with Feed().ear(Topic.QUEUED) as ear:
        ear.stir()
        assert await ear.news(3600.0) == NOTHING


def _progress(feed: Feed) -> Callable[[JobId], None]:
    return lambda job: feed.progress(job, Live(fraction=0.5, node=None))
