"""The paths of places and generations, the same on a disk and on S3.

A piece holds one place:
``<table>/model=<team>.<model>/month=<yyyy-mm>/<track>~<window start>~<as_of>.parquet``, times
as ``yyyymmddThhmmZ`` in UTC. The track of a comparison holds a ``~`` itself, so names are read
from the right.

A generation holds a whole month:
``generations/<table>/model=<team>.<model>/month=<yyyy-mm>/<number>/rows.parquet``.
They are a tree of their own, so that the folder of a table holds nothing that Hive would read twice.
"""

import re
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from lupus_assets.errors import StoreError
from lupus_assets.records import Place

MODEL = re.compile(r"[a-z0-9_]+\.[a-z0-9_]+")
TRACK = re.compile(r"[a-z0-9_]+(~[a-z0-9_]+)?")
STEM = re.compile(r"([a-z0-9_]+(?:~[a-z0-9_]+)?)~(\d{8}T\d{4}Z)~(\d{8}T\d{4}Z)")
STAMP = "%Y%m%dT%H%MZ"
SUFFIX = ".parquet"
GENERATIONS = "generations"
GONE = ".gone"
ZONE = timedelta(hours=24)  # no zone is further from UTC than this (the widest is 14 hours)


def check_model(model: str) -> str:
    """Return `model` if it is ``<team>.<model>`` in a-z, 0-9 and _; else raise StoreError."""
    if not MODEL.fullmatch(model):
        raise StoreError(f"model {model!r} is no name; write <team>.<model> in a-z, 0-9 and _")
    return model


def in_utc(time: datetime, what: str) -> datetime:
    """Return `time` in UTC; a naive one is a StoreError that names `what`."""
    if time.utcoffset() is None:
        raise StoreError(f"{what} {time} is naive; give it its time zone")
    return time.astimezone(UTC)


def check_place(place: Place) -> Place:
    """Return `place` with its times in UTC, so that equal places are one key.

    Raises
    ------
    StoreError
        A name is no name, a time is naive or finer than file names are (a minute), or the
        month is not that of the window's start in any zone.
    """
    check_model(place.model)
    if not TRACK.fullmatch(place.track):
        raise StoreError(f"track {place.track!r} is no name; write a-z, 0-9 and _, or <old>~<new>")
    start, as_of = in_utc(place.start, "window start"), in_utc(place.as_of, "as_of")
    for time in (start, as_of):
        if time.second or time.microsecond:
            raise StoreError(f"{time} is finer than a minute; places are told apart by the minute")
    if not month_may_hold(place.month, start, start + timedelta(minutes=1)):
        raise StoreError(
            f"month {place.month!r} is not the month of {start}; write yyyy-mm of the window's start"
        )
    return replace(place, start=start, as_of=as_of)


def month_may_hold(month: str, since: datetime | None, until: datetime | None) -> bool:
    """Return whether windows that start in ``[since, until)`` can be of `month` in some zone."""
    return (since is None or month >= _month_of(since, -ZONE)) and (
        until is None or month <= _month_of(until, ZONE)
    )


def months_between(since: datetime, until: datetime) -> list[str]:
    """Return the months, sorted, that `month_may_hold` windows which start in ``[since, until)``."""
    first, last = (
        12 * int(text[:4]) + int(text[5:]) - 1 for text in (_month_of(since, -ZONE), _month_of(until, ZONE))
    )
    return [f"{month // 12:04d}-{month % 12 + 1:02d}" for month in range(first, last + 1)]


def _month_of(moment: datetime, later: timedelta) -> str:
    """Return ``yyyy-mm`` of a time that is shifted, but for what lies beyond the calendar."""
    with suppress(OverflowError):
        moment += later
    return f"{moment.year:04d}-{moment.month:02d}"


def path_of(table: str, place: Place) -> str:
    """Return the relative path of a checked place, with ``/`` between its parts."""
    return f"{pieces_folder(table, place.model, place.month)}/{stem_of(place)}{SUFFIX}"


def stem_of(place: Place) -> str:
    """Return the name of a checked place within its month: ``<track>~<window start>~<as_of>``."""
    return f"{place.track}~{place.start:{STAMP}}~{place.as_of:{STAMP}}"


def pieces_folder(table: str, model: str, month: str) -> str:
    """Return the folder of a month's pieces."""
    return f"{table}/model={model}/month={month}"


def generations_folder(table: str, model: str, month: str) -> str:
    """Return the folder of a month's generations."""
    return f"{GENERATIONS}/{table}/model={model}/month={month}"


def generation_path(table: str, model: str, month: str, number: int) -> str:
    """Return the path of a month's generation, numbered from 1."""
    return f"{generations_folder(table, model, month)}/{number:06d}/rows{SUFFIX}"


def floor_path(table: str, model: str, month: str, number: int) -> str:
    """Return the path of the mark that a generation, and every one before it, is not in force any more."""
    return f"{generations_folder(table, model, month)}/{number:06d}{GONE}"


def generation_of(path: str) -> tuple[str, str, int, bool]:
    """Return (model, month, number, whether it is the generation and not a mark) of a path among generations.

    Raises
    ------
    StoreError
        It is neither a path of `generation_path` nor of `floor_path`.
    """
    parts = ["", "", "", *path.split("/")]
    is_mark = path.endswith(GONE)
    number = parts[-1].removesuffix(GONE) if is_mark else parts[-2]
    if not number.isdecimal() or not (is_mark or parts[-1] == f"rows{SUFFIX}"):
        raise _stray(path)
    model, month = parts[-3:-1] if is_mark else parts[-4:-2]
    return model.removeprefix("model="), month.removeprefix("month="), int(number), not is_mark


def place_of(path: str) -> Place:
    """Return the place of a path that ends in ``model=…/month=…/<name>.parquet``.

    Raises
    ------
    StoreError
        It is no path that `path_of` writes.
    """
    *_, model, month, name = ("", "", *path.split("/"))
    stem = STEM.fullmatch(name.removesuffix(SUFFIX))
    if stem is None:
        raise _stray(path)
    track, start, as_of = stem.groups()
    try:
        times = _time(start), _time(as_of)
    except ValueError:
        raise _stray(path) from None
    return Place(model.removeprefix("model="), track, *times, month.removeprefix("month="))


def _stray(path: str) -> StoreError:
    return StoreError(f"{path} is no file of this store; move it out of the way")


@lru_cache(maxsize=8192)  # of a thousand models, the files of a partition share their stamps
def _time(stamp: str) -> datetime:
    # A tenth of what strptime takes, once or twice for every file of a model.
    year, month, day, hour, minute = stamp[:4], stamp[4:6], stamp[6:8], stamp[9:11], stamp[11:13]
    return datetime(int(year), int(month), int(day), int(hour), int(minute), tzinfo=UTC)
