"""The page of a history: the table is read when it is asked for, and errors say what to do."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape

import httpx
import pytest
from starlette.applications import Starlette

from lupus_assets.errors import ServiceUnreachable
from lupus_assets.installation import Installation
from lupus_assets.picturing.address import Address
from lupus_assets.records import Place, VerdictRow
from lupus_assets.server.history import SHOWN, history_route
from tests.models import verdict

ODD = 'a/b "c" <ü>&='
START = datetime(2023, 1, 1, tzinfo=UTC)
DAYS = SHOWN + 20


def at(number: int, **other: object) -> VerdictRow:
    start = START + timedelta(days=number)
    flagged = number in (5, 410)
    return replace(
        verdict(0, 0.5 if flagged else 0.0),
        partition_key=f"{start:%Y-%m-%d}", window_start=start, as_of=start + timedelta(days=1),
        flagged=flagged, sentence=f"`{ODD}` on day {number}", column_name=ODD, **other,
    )  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = Installation.from_environment({}, tmp_path_factory.mktemp("home")).tables()
    for number in range(DAYS):
        row = at(number)
        rows = [row, replace(row, column_name="other", flagged=False, sentence="nothing")]
        store.replace(
            "verdicts",
            Place("t.m", "champion", row.window_start, row.as_of, f"{row.window_start:%Y-%m}"),
            rows,
        )
    store.compact("verdicts", model="t.m", month="2023-03")
    return store


def asked(address: str, tables) -> httpx.Response:
    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(Starlette(routes=[history_route(tables)]))
        async with httpx.AsyncClient(transport=transport, base_url="http://dagit") as client:
            return await client.get(address)

    return asyncio.run(get())


def of(number: int, **other: str) -> str:
    key = f"{START + timedelta(days=number):%Y-%m-%d}"
    return str(replace(Address("t", "m", "champion", "input", "null_rate", key, ODD), **other))


def test_the_page_shows_the_history_until_its_partition(store):
    answer = asked(of(40), lambda: store)
    assert answer.status_code == 200
    text = unescape(answer.text)
    assert "41 partitions, 2023-01-01 to 2023-02-10, 1 with an alarm" in text
    assert "Latest alarm, 2023-01-06" in text
    assert answer.text.count("<title>2023-") == 41


def test_a_long_history_is_cut_and_says_so(store):
    answer = asked(of(DAYS - 1), lambda: store)
    assert f"the latest {SHOWN} partitions of {DAYS}, 2023-01-21 to 2024-02-24" in answer.text
    assert answer.text.count("<title>202") == SHOWN


def test_the_page_runs_and_loads_nothing_and_names_are_escaped(store):
    answer = asked(of(10), lambda: store)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "script" not in answer.text
    assert "<ü>" not in answer.text
    assert "&lt;ü&gt;&amp;=" in answer.text


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("/lupus/history/t/m/champion", 400, "family, metric, until not given"),
        (of(3) + "&column=a", 400, "'column' is no parameter, did you mean 'column_name'?"),
        (of(3) + "&metric=psi", 400, "metric is given twice"),
        (of(3).replace("/t/m/", "/T/m/"), 400, "team 'T' is no name"),
        (of(3, until="today"), 400, "until 'today' is no partition"),
        (of(3, until="9999-12-31"), 400, "until '9999-12-31' is no partition"),
        (of(3, until="9999-12-29"), 404, "no verdicts of partition '9999-12-29'"),
        (of(3, until="0001-01-01"), 400, "until '0001-01-01' is no partition"),
        (of(3, until="0001-01-02"), 404, "no verdicts of partition '0001-01-02'"),
        (of(3, until="0001-01-03-00:00"), 404, "no verdicts of partition '0001-01-03-00:00'"),
        (of(3, until="2023-W01-1"), 404, "no verdicts of partition '2023-W01-1'"),
        (of(3) + "%00%ED%A0%80", 404, "no verdict has the column_name"),
        (of(3, until="2023-01-04-05:00"), 404, "there are '2023-01-03', '2023-01-04', '2023-01-05'"),
        (of(3, until="2022-01-04"), 404, "no verdicts of partition '2022-01-04'"),
        (of(3, model="n"), 404, "the tables hold no verdict of t.n"),
        (of(3, track="rival"), 404, "t.m has no track 'rival', there are champion"),
        (of(3, metric="nul_rate"), 404, "no verdict has the metric 'nul_rate', did you mean 'null_rate'?"),
        (of(3, column_name="<b>"), 404, "no verdict has the column_name '<b>'"),
        (of(3, rule="null_rate above 1"), 404, "no verdict has the rule 'null_rate above 1'"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_address_is_said(store, address, status, said):
    answer = asked(address, lambda: store)
    assert answer.status_code == status
    assert said in unescape(answer.text)
    assert "<b>'" not in answer.text
    assert "content-security-policy" in answer.headers


def test_a_store_that_is_down_is_down_for_the_page_alone(store):
    calls = []

    def tables():
        calls.append(1)
        if len(calls) == 1:
            raise ServiceUnreachable("s3://bucket does not answer, start it")
        return store

    app = history_route(tables)
    assert app.path
    assert calls == []
    answer = asked(of(3), tables)
    assert answer.status_code == 503
    assert "s3://bucket does not answer, start it" in answer.text
    assert "deploy/lupus.env.example" in answer.text
    assert asked(of(3), tables).status_code == 200
