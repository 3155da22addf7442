"""The page of a history, drawn on request from the table ``verdicts``."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

import pyarrow as pa
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from lupus_assets.declare.mistake import did_you_mean, listed
from lupus_assets.errors import LupusError
from lupus_assets.picturing.address import PATH, QUERY, Address
from lupus_assets.picturing.course import COLUMNS, course, unknown
from lupus_assets.ports import MetricStore
from lupus_assets.reading.table import is_in, rows_where
from lupus_assets.server.page import HEADERS, error_page, history_page

SHOWN = 400  # partitions: a year of days, and what a window is wide
PIECE = 100  # partitions whose verdicts are in memory together: a wide model has thousands a day
NAMED = 8  # names that an error lists
NAME = re.compile(r"[a-z0-9_]+")
INSTANT = timedelta(microseconds=1)
BAD, UNKNOWN, UNAVAILABLE = 400, 404, 503


def history_route(tables: Callable[[], MetricStore]) -> Route:
    """Return the route of the addresses that `lupus_assets.picturing.address.Address` writes.

    Parameters
    ----------
    tables : callable
        Gives the tables; called for every page, so that a store that is down is down for that page only.
    """

    def answer(request: Request) -> HTMLResponse:
        try:
            asked = asked_for(request.path_params, request.query_params)
            return HTMLResponse(_history(tables(), asked), headers=HEADERS)
        except HTTPException as refused:
            titles = {BAD: "This address cannot be read", UNKNOWN: "There is no such history"}
            return _error(refused.status_code, titles[refused.status_code], refused.detail)
        except LupusError as error:
            remedy = "The webserver needs the variables that the runs have (deploy/lupus.env.example)."
            return _error(UNAVAILABLE, "The tables cannot be read now", f"{error}. {remedy}")

    return Route(PATH, answer)


def _error(status: int, title: str, text: str) -> HTMLResponse:
    return HTMLResponse(error_page(title, text), status_code=status, headers=HEADERS)


def asked_for(path: Mapping[str, str], query: QueryParams) -> Address:
    """Return the series that a request names.

    Raises
    ------
    HTTPException
        A parameter is missing, unknown, given twice, or says what cannot be.
    """
    given = dict(query)
    for name, text in path.items():
        if not NAME.fullmatch(text):
            raise HTTPException(BAD, f"{name} {text!r} is no name, write a-z, 0-9 and _")
    for name in given:
        if name not in QUERY:
            remedy = did_you_mean(name, QUERY, f"there are {listed(QUERY)}")
            raise HTTPException(BAD, f"{name!r} is no parameter, {remedy}")
        if len(query.getlist(name)) > 1:
            raise HTTPException(BAD, f"{name} is given twice, give it once")
    missing = [name for name, default in QUERY.items() if default is None and not given.get(name)]
    if missing:
        raise HTTPException(BAD, f"{listed(missing)} not given, follow the link of a check")
    return Address(**path, **given)


def _history(store: MetricStore, asked: Address) -> str:
    name = f"{asked.team}.{asked.model}"
    starts = _starts(store, name, asked.track)
    last = _start(store, name, asked)
    until = [start for start in starts if start <= last]
    shown = until[-SHOWN:]
    points = course(_pieces(store, name, asked.track, shown), asked)
    if not any(point.sentence for point in points):
        raise _unheard(store, name, asked, shown[-PIECE:])
    return history_page(asked, points, len(until) - len(shown))


def _starts(store: MetricStore, name: str, track: str) -> list[datetime]:
    """Return the starts of the windows of a track, in time order."""
    places = store.places("verdicts", models=[name])
    tracks = sorted({place.track for place in places})
    if not tracks:
        remedy = "materialise its partitions, or give the webserver the variables that the runs have"
        raise HTTPException(UNKNOWN, f"the tables hold no verdict of {name}, {remedy}")
    if track not in tracks:
        raise HTTPException(UNKNOWN, f"{name} has no track {track!r}, there are {listed(tracks)}")
    return sorted({place.start for place in places if place.track == track})


def _start(store: MetricStore, name: str, asked: Address) -> datetime:
    """Return the start of the window of the last partition that is asked for."""
    try:
        day = datetime.combine(date.fromisoformat(asked.until[:10]), time(), UTC)
        near = day - timedelta(days=1), day + timedelta(days=2)
    except (ValueError, OverflowError):
        raise HTTPException(BAD, f"until {asked.until!r} is no partition, write 2025-01-31") from None
    columns = ("partition_key", "window_start")
    rows = store.read(
        "verdicts", model=name, track=asked.track, since=near[0], until=near[1], columns=columns
    )
    found = rows_where(rows, is_in(rows, "partition_key", {asked.until}))
    if not found.num_rows:
        keys = dict.fromkeys(rows["partition_key"].to_pylist())
        near_by = f"there are {_some([*keys])}" if keys else "materialise it"
        raise HTTPException(
            UNKNOWN, f"{name} {asked.track} has no verdicts of partition {asked.until!r}, {near_by}"
        )
    start: datetime = found["window_start"][0].as_py()
    return start.replace(tzinfo=UTC)


def _pieces(store: MetricStore, name: str, track: str, starts: Sequence[datetime]) -> Iterator[pa.Table]:
    for at in range(0, len(starts), PIECE):
        piece = starts[at : at + PIECE]
        yield store.read(
            "verdicts",
            model=name,
            track=track,
            since=piece[0],
            until=piece[-1] + INSTANT,
            columns=COLUMNS,
        )


def _unheard(store: MetricStore, name: str, asked: Address, starts: Sequence[datetime]) -> HTTPException:
    """Return the reason why the latest partitions hold no such series."""
    (verdicts,) = _pieces(store, name, asked.track, starts)
    part, there = unknown(verdicts, asked)
    remedy = did_you_mean(getattr(asked, part), there, f"there are {_some(there)}")
    return HTTPException(UNKNOWN, f"no verdict has the {part} {getattr(asked, part)!r}, {remedy}")


def _some(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return listed([repr(name) for name in names[:NAMED]]) + (f" and {more:,} more" if more > 0 else "")
