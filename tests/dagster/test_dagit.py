"""What we add to Dagster's webserver is asked before its own routes, and at the root whatever its prefix."""

from unittest.mock import Mock

import dagster as dg
import pytest
from dagster_webserver.webserver import DagsterWebserver
from starlette.routing import Match

from lupus_assets.assets.outcome import evaluation
from lupus_assets.judging.check import Outcome
from lupus_assets.picturing.address import Address
from lupus_assets.server.dagit import serve_histories
from tests.models import declared, verdict


@pytest.mark.parametrize("prefix", ["", "/dagit"])
def test_the_link_of_a_check_is_answered_by_our_route(monkeypatch: pytest.MonkeyPatch, prefix: str) -> None:
    monkeypatch.setattr(
        DagsterWebserver, "build_routes", DagsterWebserver.build_routes
    )  # put back afterwards
    own = len(DagsterWebserver(Mock(), prefix).build_routes())
    serve_histories()
    row = verdict(3, flagged=True)
    said = evaluation(
        Outcome("completeness", passed=False, sentence="", offenders=(row,)),
        asset=dg.AssetKey("a"),
        partition=row.partition_key,
        history=Address.of(declared(), row),
    )
    link = said.metadata["history of amount, in full"]
    assert isinstance(link, dg.UrlMetadataValue)
    routes = DagsterWebserver(Mock(), prefix).build_routes()
    assert len(routes) == own + 1
    scope = {"type": "http", "method": "GET", "path": (link.url or "").partition("?")[0]}
    answering = next(route for route in routes if route.matches(scope)[0] is Match.FULL)
    assert answering.endpoint.__module__ == "lupus_assets.server.history"


def test_a_check_without_an_offender_has_no_link() -> None:
    said = evaluation(Outcome("arrival", True, ""), asset=dg.AssetKey("a"), partition="2024-01-01")
    assert said.metadata == {}


def test_what_is_explained_has_a_table_of_its_own():
    found = evaluation(
        Outcome("completeness", passed=True, sentence="", explained=(verdict(3),)),
        asset=dg.AssetKey("metrics"),
        partition="2024-01-01",
    )
    (record,) = found.metadata["explained"].value.records
    assert record.data["metric"] == verdict(3).metric
    assert found.passed
    assert "offenders" not in found.metadata
