"""Dagster's webserver with corrections, and with the page of a history.

Belongs here: changes of Dagit's behaviour. Does not belong here: the content of the page.
"""

import os
import sys
from datetime import UTC, datetime
from functools import cache, wraps
from pathlib import Path

import dagster as dg
from dagster_graphql.schema.asset_checks import (
    GrapheneAssetCheck,
    GrapheneAssetCheckTimePartitionStatuses,
)
from dagster_webserver.cli import main as serve
from dagster_webserver.webserver import DagsterWebserver
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from lupus_assets.installation import Installation
from lupus_assets.judging.check import behind
from lupus_assets.ports import Tables
from lupus_assets.server.history import history_route
from lupus_assets.server.host import HostGate, OwnNames

LISTS = ("AssetGraphLiveQuery", "AssetChecksQuery")  # what lineage and the lists of checks ask


def page_back_from_the_end() -> None:
    """Make Dagit page an ended history from its last partition; Dagster pages it from today.

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


def tell_of_now() -> None:
    """Make Dagit's lists and lineage show the checks of the newest partition, not of all partitions.

    Dagster 1.13 calls a partitioned check failed as long as any of its partitions is, beside its latest
    execution that passed: a model that is well today would never look it. What the lists ask is answered by
    the newest partition, and the newest whose labels are known; a check's own page has all partitions.
    """
    original = GrapheneAssetCheck.resolve_partitionStatuses

    @wraps(original)
    async def statuses(self, graphene_info):  # type: ignore[no-untyped-def]
        found = await original(self, graphene_info)
        operation = graphene_info.operation.name
        if operation is None or operation.value not in LISTS:
            return found
        if isinstance(found, GrapheneAssetCheckTimePartitionStatuses) and found.ranges:
            newest = max(each.endTime for each in found.ranges)
            since = newest - behind(self._asset_check.description or "").total_seconds()
            return GrapheneAssetCheckTimePartitionStatuses(
                ranges=[each for each in found.ranges if each.endTime >= since]
            )
        return found

    GrapheneAssetCheck.resolve_partitionStatuses = statuses  # type: ignore[method-assign]


def serve_histories() -> None:
    """Add the route of the page of a history, which checks link to.

    Dagster 1.13 takes no routes of others. Its own end in one that takes every path, so ours comes
    before them, and is not below ``--path-prefix``: a check's link starts at the root, as who writes it knows
    no prefix.
    """
    original = DagsterWebserver.build_routes

    @wraps(original)
    def routes(self: DagsterWebserver) -> list[BaseRoute]:  # type: ignore[type-arg]  # generic in contexts
        return [history_route(_tables), *original(self)]  # type: ignore[no-untyped-call]

    DagsterWebserver.build_routes = routes  # type: ignore[method-assign]


def answer_own_names(names: OwnNames) -> None:
    """Make Dagit refuse requests for another host name, before anything else handles them."""
    original = DagsterWebserver.build_middleware

    @wraps(original)
    def middleware(self: DagsterWebserver) -> list[Middleware]:  # type: ignore[type-arg]  # generic in contexts
        return [Middleware(HostGate, names=names), *original(self)]

    DagsterWebserver.build_middleware = middleware  # type: ignore[method-assign]


@cache  # a bucket's client takes 0.1 s to make; an error is not kept
def _tables() -> Tables:
    return Installation.from_environment(os.environ, Path(os.environ.get("LUPUS_HOME", ".lupus"))).tables()


def main() -> None:
    """Run the webserver with Dagster's own options until it is ended."""
    page_back_from_the_end()
    tell_of_now()
    answer_own_names(OwnNames.of(sys.argv[1:], os.environ))
    serve_histories()
    serve()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
