"""Dagster's webserver, with the one correction it needs.

Belongs here: what Dagit shows wrongly and no definition puts right. Does not belong here: anything of ours.
"""

from datetime import UTC, datetime
from functools import wraps

import dagster as dg


def page_back_from_the_end() -> None:
    """Make Dagit list the newest partitions of an ended history, not those it would have had by today.

    Dagster 1.13 pages a time window definition backwards from now and forgets its end, so the plots by
    partition of a closed history are empty. Its effective time becomes the end.
    """
    original = dg.TimeWindowPartitionsDefinition.get_paginated_partition_keys

    @wraps(original)
    def paginated(self, context, limit, ascending, cursor=None):  # type: ignore[no-untyped-def]
        end = self.end_timestamp
        if end is not None and end < context.effective_dt.timestamp():
            context = context.updated(
                effective_dt=datetime.fromtimestamp(end, tz=UTC), dynamic_partitions_store=None
            )
        return original(self, context, limit, ascending, cursor)

    dg.TimeWindowPartitionsDefinition.get_paginated_partition_keys = paginated  # type: ignore[method-assign]


if __name__ == "__main__":
    from dagster_webserver.cli import main

    page_back_from_the_end()
    main()  # type: ignore[no-untyped-call]
