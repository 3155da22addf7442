"""Interfaces of sources and stores.

Source       the rows of a prediction log
Files        read-only files, read in ranges
Database     a warehouse that answers SQL
MetricStore  tables of rows; a write replaces all rows of one place
Replacement  rows for one place, before they are written
Tables       a store with versions of its months, which views follow
ObjectStore  files by path, on a disk or in a bucket
Journal      partitions that a run has begun to write and has not reported yet
View         a copy of the tables in a service, which can be rebuilt at any time
SearchIndex  verdicts and incidents by text
"""

from lupus_assets.ports.source import Database, Files, Source
from lupus_assets.ports.store import Journal, MetricStore, ObjectStore, Replacement, Tables
from lupus_assets.ports.view import SearchIndex, View

__all__ = [
    "Database",
    "Files",
    "Journal",
    "MetricStore",
    "ObjectStore",
    "Replacement",
    "SearchIndex",
    "Source",
    "Tables",
    "View",
]
