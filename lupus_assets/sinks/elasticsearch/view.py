"""The tables in Elasticsearch: a view that follows the files by months, and can be rebuilt from them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from lupus_assets.errors import ServiceRefused, ServiceUnreachable, StoreError
from lupus_assets.ports import Tables
from lupus_assets.records import Month
from lupus_assets.sinks.batch import batches
from lupus_assets.sinks.elasticsearch.bulk import Bulk, Refusal
from lupus_assets.sinks.elasticsearch.client import Cluster, ElasticsearchAddress
from lupus_assets.sinks.elasticsearch.document import KEYS, digest, documents, values
from lupus_assets.sinks.elasticsearch.index import Index, Indices, hits
from lupus_assets.sinks.elasticsearch.ledger import Entry, Ledger, entry_id
from lupus_assets.sinks.files.layout import stem_of

COMMIT = 50  # models of a month that are shown, and written into the ledger, together
ROUNDS = 3  # how often to write again what two processes wrote at once
TERMS = 10_000  # places in one query; the server takes 65,536


@dataclass
class _Work:
    """Documents written for some months of one index, not yet in the ledger."""

    entries: dict[Month, Entry] = field(default_factory=dict)
    touched: dict[Month, set[str]] = field(default_factory=dict)  # stems of places


class SearchView:
    """Implements `lupus_assets.ports.View` on Elasticsearch: metrics, verdicts, comparisons and incidents.

    Any number of processes may follow at once; only one at a time may `reindex`.

    Parameters
    ----------
    cluster : Cluster or ElasticsearchAddress
        Nothing is connected before it is asked.
    tables : Tables
        What is followed.
    """

    in_place = False

    def __init__(self, cluster: Cluster | ElasticsearchAddress, tables: Tables) -> None:
        self._cluster = cluster if isinstance(cluster, Cluster) else Cluster(cluster)
        self._tables = tables
        self._indices, self._ledger = Indices(self._cluster), Ledger(self._cluster)

    @property
    def url(self) -> str:
        """The address of the cluster."""
        return self._cluster.address.url

    def behind(self, months: Sequence[Month]) -> list[Month]:
        """Return the months that Elasticsearch does not show in their current version; no retries."""
        mine = [month for month in months if month.table in KEYS]
        if not mine:
            return []
        current = self._indices.current(patient=False)
        held = self._ledger.versions(mine, patient=False)
        return [month for month in mine if not _shown(month, current, held.get(entry_id(month)))]

    def shows(self, month: Month) -> bool:
        """Return whether the current version of `month` is shown, with its number of documents."""
        if month.table not in KEYS:
            return True
        if self.behind([month]):
            return False
        held = self._ledger.read([month])[entry_id(month)]
        rows = sum(int(rows) for _, rows in held.places.values())
        return self._indices.count(self._indices.alias(month.table, month.month), month.model) == rows

    def released(self, months: Sequence[Month]) -> Iterator[Month]:
        """Yield the months that are shown in their current version: searches read no files."""
        return (month for month in months if self.shows(month))

    def follow(self, months: Sequence[Month]) -> int:
        """Bring Elasticsearch up to date with `months`; return the number of months changed.

        What cannot be read or written of one model keeps no other from being shown; the error comes last.
        """
        todo = self._behind_now(months)
        problems: list[StoreError] = []
        changed = 0
        for (table, name), group in _by_index(todo):
            index = self._indices.open(table, name)
            if not index.fresh:
                self._indices.refresh(table, name)  # stale documents of a killed writer are found then
            for part in batches(group, COMMIT):
                changed += self._follow(index, part, problems)
        _complain(problems)
        return changed

    def reindex(self, months: Sequence[Month], since: str | None = None) -> int:
        """Rebuild the indices from the tables; return the number of documents.

        A new index takes the place of the old one when it is complete. Until then the old one stays, and
        what a killed `reindex` leaves is removed by the next.

        Parameters
        ----------
        months : sequence of Month
            All that the tables hold: an index of any of their tables that shows another month goes.
        since : str or None
            First month, ``yyyy-mm``.
        """
        self._indices.prepare()
        found = self._indices.found()
        self._indices.delete(index.name for index in found if not index.current)
        problems: list[StoreError] = []
        written, kept = 0, set()
        for (table, name), group in _by_index([month for month in months if month.table in KEYS]):
            kept.add((table, name))
            if since is None or name >= since:
                serial = max(
                    (index.serial for index in found if (index.table, index.month) == (table, name)),
                    default=0,
                )
                written += self._build(table, name, serial + 1, group, problems)
        self._indices.delete(
            index.name
            for index in found
            if index.table in {table for table, _ in kept}
            and (index.table, index.month) not in kept
            and (since is None or index.month >= since)
        )
        _complain(problems)
        return written

    def count(self, table: str, model: str | None = None) -> int:
        """Return the number of rows of `table`, and of `model`, that readers see."""
        return self._indices.count(self._indices.all_of(table), model)

    def rows(self, table: str, model: str) -> list[dict[str, Any]]:
        """Return the rows of `model` by place and then in any order, times as naive UTC."""
        if not self.count(table, model):
            return []
        query = {"term": {"model": model}}
        found = [
            hit["_source"] for hit in hits(self._cluster, self._indices.all_of(table), query, source=True)
        ]
        return [
            values(table, document) for document in sorted(found, key=lambda document: str(document["place"]))
        ]

    def _behind_now(self, months: Sequence[Month]) -> list[Month]:
        mine = [month for month in months if month.table in KEYS]
        if not mine:
            return []
        self._indices.prepare()
        current, held = self._indices.current(), self._ledger.versions(mine)
        return [month for month in mine if not _shown(month, current, held.get(entry_id(month)))]

    def _follow(self, index: Index, months: Sequence[Month], problems: list[StoreError]) -> int:
        """Write `months` of one index; return the number of months written."""
        shown = 0
        again: dict[Month, set[str]] = {month: set() for month in months}
        for number in range(ROUNDS):
            if number:
                index = self._indices.open(index.table, index.month)  # it may have been built anew
            work = _Work()
            held = self._ledger.read(list(again))
            # Whoever is killed from here on leaves months of which nothing is known.
            begun = self._ledger.write({month: Entry(seen=held[entry_id(month)].seen) for month in again})
            with Bulk(self._cluster, self._indices.alias(index.table, index.month)) as bulk:
                for month, seen in begun.items():
                    known = replace(held[entry_id(month)], seen=seen)
                    try:
                        self._write(index, month, known, again[month], bulk, work)
                    except (ServiceUnreachable, ServiceRefused):
                        raise
                    except StoreError as error:
                        problems.append(error)
                self._drop(bulk.flush(), work, problems)
            self._indices.refresh(index.table, index.month)
            done = self._ledger.write(work.entries)
            shown += len(done)
            # Another process was at the same months, and may have written over what this one did.
            lost = [
                month for month in again if month not in begun or month in work.entries.keys() - done.keys()
            ]
            again = {month: again[month] | work.touched.get(month, set()) for month in lost}
            if not again:
                break
        return shown

    def _write(
        self, index: Index, month: Month, held: Entry, suspect: set[str], bulk: Bulk, work: _Work
    ) -> None:
        """Write the places of `month` that changed since `held`, and those in `suspect`."""
        found = self._tables.month(month.table, model=month.model, month=month.month)
        rows = {stem_of(place): (place, table) for place, table in found}
        digests = {stem: [digest(table), len(table)] for stem, (_, table) in rows.items()}
        known = held.places if held.index == index.uuid else None
        changed = {stem for stem in digests if known is None or list(known.get(stem, ())) != digests[stem]}
        changed |= suspect & digests.keys()
        stale = changed | suspect | ((known or {}).keys() - digests.keys())
        # What is there of a model that the ledger knows nothing of was left by a writer that was killed.
        there = (
            set() if index.fresh else self._ids(index, month.model, None if known is None else sorted(stale))
        )
        for stem in sorted(changed):
            place, table = rows[stem]
            for document_id, document in documents(month.table, place, table):
                there.discard(document_id)
                bulk.index((month, stem), document_id, document)
        for document_id in there:
            bulk.delete((month, "rows that are gone"), document_id)
        work.entries[month] = Entry(month.version, index.uuid, digests, held.seen)
        work.touched[month] = stale

    def _ids(self, index: Index, model: str, stems: Sequence[str] | None) -> set[str]:
        """Return the ids of the documents of `model` in `index`, at all places or at some."""
        alias = self._indices.alias(index.table, index.month)
        of_model = {"term": {"model": model}}
        parts = (
            [[of_model]]
            if stems is None
            else [[of_model, {"terms": {"place": part}}] for part in batches(stems, TERMS)]
        )
        return {
            str(hit["_id"])
            for part in parts
            for hit in hits(self._cluster, alias, {"bool": {"filter": part}}, source=False)
        }

    def _drop(self, refused: Sequence[Refusal], work: _Work, problems: list[StoreError]) -> None:
        """Keep months with a refused document out of the ledger, and report the reason."""
        by_month: dict[Month, list[Refusal]] = {}
        for each in refused:
            by_month.setdefault(each.about[0], []).append(each)
        for month, these in by_month.items():
            work.entries.pop(month, None)
            first = these[0]
            problems.append(
                ServiceRefused(
                    f"{self._cluster.address.url} refuses {len(these)} documents of {month.table} of "
                    f"{month.model}, the first of {first.about[1]}: {first.status} ({first.reason}); if its "
                    "mapping is another Lupus's, run `lupus reindex`"
                )
            )

    def _build(
        self, table: str, name: str, serial: int, months: Sequence[Month], problems: list[StoreError]
    ) -> int:
        """Build one index and put it in force; return its number of documents."""
        alias = self._indices.alias(table, name, building=True)
        index = self._indices.create(table, name, serial, [alias])
        work = _Work()
        before = len(problems)
        held: dict[str, Entry] = {}
        with Bulk(self._cluster, alias) as bulk:
            for part in batches(months, COMMIT):
                held |= self._ledger.read(part)
                for month in part:
                    seen = Entry(seen=held[entry_id(month)].seen)
                    self._write(index, month, seen, set(), bulk, work)
            self._drop(bulk.flush(), work, problems)
            written = bulk.sent
        if len(problems) > before:  # better the old one than half of a new one
            self._indices.delete([index.name])
            return 0
        self._indices.refresh(table, name, building=True)
        old = self._indices.current().get((table, name))
        self._indices.swap(index)
        # An entry that a follower wrote meanwhile stays: it is of the old index, so the month is behind.
        self._ledger.write(work.entries)
        self._indices.delete([old.name] if old else [])
        return written


def _shown(month: Month, current: Mapping[tuple[str, str], Index], held: tuple[str, str] | None) -> bool:
    index = current.get((month.table, month.month))
    return index is not None and held == (month.version, index.uuid)


def _by_index(months: Iterable[Month]) -> list[tuple[tuple[str, str], list[Month]]]:
    def key(month: Month) -> tuple[str, str]:
        return month.table, month.month

    return [(name, list(group)) for name, group in groupby(sorted(months, key=lambda m: (*key(m), m)), key)]


def _complain(problems: Sequence[StoreError]) -> None:
    if problems:
        more = f" (and {len(problems) - 1} more like it)" if len(problems) > 1 else ""
        raise type(problems[0])(f"{problems[0]}{more}")
