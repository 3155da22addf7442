"""Facts: faults of a partition that need no history and no expected range."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from lupus_assets.declare.column import Columns
from lupus_assets.judging.row import verdict_row
from lupus_assets.profiling.profiled import WHOLE, Profiled
from lupus_assets.reading.role import Role
from lupus_assets.records import ALARM, EVERYTHING, FACT_RULE, VerdictRow, Window
from lupus_assets.stats.column import CategoricalColumn, Column, NumericColumn
from lupus_assets.stats.reference.frozen import ColumnReference, Reference

Fact = tuple[str, str, float | None, str]  # (column, metric, value, sentence)


def facts(profiled: Profiled, reference: Reference, columns: Columns) -> Iterator[Fact]:
    """Yield the facts on the rows of one partition, in the order of its columns.

    Repeated rows are a fact where a key is declared; without one, they are judged by their history.

    Yields
    ------
    tuple
        Column (empty for the rows as a whole), metric, value, sentence.
    """
    for column, text in profiled.problems.items():
        yield column, "null_rate", None, text
    whole = profiled.profiles[WHOLE]
    counts = whole.counts
    if counts is None:
        return
    if counts.rows == 0:
        yield "", "row_count", 0.0, "the partition holds no rows"
        return
    of_rows = f"of {counts.rows:,} rows"
    if counts.duplicates and columns.key is not None:
        share = counts.duplicates / counts.rows
        yield "", "duplicate_rate", share, f"{counts.duplicates:,} {of_rows} repeat another row"
    if counts.outside:
        said = (
            f"{counts.outside:,} {of_rows} are timed outside the partition's window in "
            f"`{columns.timestamp}`; mixed time zones look like this: "
            "declare `columns.timezone`, correct `cadence.timezone`, or store UTC"
        )
        yield columns.timestamp, "outside_rate", counts.outside / counts.rows, said
    known = reference.columns[EVERYTHING]
    for name, state in whole.columns.items():
        yield from _of_column(name, state, known.get(name))
    if counts.invalid:
        prediction = columns.prediction.column
        said = f"{counts.invalid:,} of {counts.rows:,} scores in `{prediction}` lie outside [0, 1]"
        yield prediction, "invalid_rate", counts.invalid / counts.rows, said


def _of_column(name: str, column: Column, reference: ColumnReference | None) -> Iterator[Fact]:
    known = None if reference is None else reference.column
    if column.nulls == column.rows and (known is None or known.nulls < known.rows):
        yield name, "null_rate", 1.0, f"`{name}` is null in all {column.rows:,} rows"
        return
    values = column.rows - column.nulls
    match column, known:
        case NumericColumn(), NumericColumn():
            infinities = column.positive_infinities + column.negative_infinities
            known_infinities = known.positive_infinities + known.negative_infinities
            for metric, count, earlier, what in (
                ("nan_rate", column.nans, known.nans, "NaN"),
                ("infinity_rate", infinities, known_infinities, "infinite"),
            ):
                if count and not earlier:
                    said = f"{count:,} of {values:,} values of `{name}` are {what}; the reference held none"
                    yield name, metric, count / values, said
        case CategoricalColumn(), CategoricalColumn() if (
            column.categories.other and not known.categories.other
        ):
            distinct = column.categories.distinct.estimate()
            before = known.categories.distinct.estimate()
            said = (
                f"`{name}` has about {distinct:,.0f} distinct values, {before:,.0f} in the reference; "
                "only the most frequent are counted one by one"
            )
            yield name, "distinct", distinct, said
        case _:
            pass


def fact_rows(
    found: Iterable[Fact], roles: Mapping[str, Role], *, track: str, window: Window, as_of: datetime
) -> list[VerdictRow]:
    """Return facts of one partition as verdicts.

    Parameters
    ----------
    found : iterable of tuple
        As `facts` yields them.
    roles : mapping of str to Role
        By column.
    track : str
    window : Window
    as_of : datetime
        Data time of the partition's rows.
    """
    return [
        verdict_row(
            (EVERYTHING, roles[column].family if column in roles else "input", column, metric),
            track=track,
            window=window,
            as_of=as_of,
            rule=FACT_RULE,
            value=value,
            sentence=sentence,
            severity=ALARM,
        )
        for column, metric, value, sentence in found
    ]
