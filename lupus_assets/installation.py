"""An installation: its files, its sources, and the services that show its tables.

Belongs here: the environment variables, and the composition of sources and stores. Does not belong here:
Dagster, and the addresses of any particular company (`resources`).
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lupus_assets.declare import MonitoredModel
from lupus_assets.errors import SourceError, UsageError
from lupus_assets.ports import ObjectStore, SearchIndex, Source, View
from lupus_assets.sinks.files.folder import Folder
from lupus_assets.sinks.files.parquet import ParquetStore
from lupus_assets.sources.disk import Disk
from lupus_assets.sources.function import FunctionSource
from lupus_assets.sources.parquet import ParquetSource

if TYPE_CHECKING:  # imported where they are needed: the embedded default needs none of their packages
    from lupus_assets.sinks.duckdb.query import Warehouse
    from lupus_assets.sinks.elasticsearch.client import ElasticsearchAddress
    from lupus_assets.sinks.elasticsearch.view import SearchView
    from lupus_assets.sinks.files.s3 import Bucket
    from lupus_assets.sinks.hive.address import HiveAddress
    from lupus_assets.sinks.hive.connection import Hive
    from lupus_assets.sources.bucket import BucketRoot

OTHERS, WORLD = 0o077, 0o007  # bits of a mode: of group and world, of the world
HIVE, SEARCH = "hive", "search"
ENVIRONMENT, EMBEDDED = "LUPUS_ENV", "embedded"
VARIABLES = {
    "warehouse": "LUPUS_WAREHOUSE",
    "s3_endpoint": "LUPUS_S3_ENDPOINT",
    "s3_ca": "LUPUS_S3_CA",
    "hive_host": "LUPUS_HIVE_HOST",
    "hive_port": "LUPUS_HIVE_PORT",
    "hive_database": "LUPUS_HIVE_DATABASE",
    "hive_auth": "LUPUS_HIVE_AUTH",
    "hive_user": "LUPUS_HIVE_USER",
    "hive_password": "LUPUS_HIVE_PASSWORD",
    "hive_kerberos_service": "LUPUS_HIVE_KERBEROS_SERVICE",
    "elasticsearch_url": "LUPUS_ELASTICSEARCH_URL",
    "elasticsearch_user": "LUPUS_ELASTICSEARCH_USER",
    "elasticsearch_password": "LUPUS_ELASTICSEARCH_PASSWORD",
    "elasticsearch_api_key": "LUPUS_ELASTICSEARCH_API_KEY",
    "elasticsearch_ca": "LUPUS_ELASTICSEARCH_CA",
}


def data_root(environ: Mapping[str, str], home: Path) -> Path:
    """Return the folder that declared paths are relative to: ``$LUPUS_DATA``, or ``data`` in `home`."""
    return Path(environ.get("LUPUS_DATA", home / "data"))


def keep_private(environ: Mapping[str, str], *folders: Path) -> None:
    """Restrict new files of this process and its children to their owner, in a home that one user owns.

    That is so in the embedded installation. Elsewhere Hive may read the files as another user, and the
    umask that the process was started with decides.

    Parameters
    ----------
    environ : mapping of str to str
    *folders : Path
        Homes: what others may do in those that are there already is taken back.
    """
    if environ.get(ENVIRONMENT, EMBEDDED) != EMBEDDED:
        return
    os.umask(os.umask(OTHERS) | OTHERS)
    for folder in folders:
        with suppress(OSError):  # not there yet, or another's to open and close
            folder.chmod(folder.stat().st_mode & ~WORLD & 0o7777)


@dataclass(frozen=True)
class Installation:
    """The files of an installation, and how its services are reached.

    Attributes
    ----------
    files : ObjectStore
    hive : HiveAddress or None
    elasticsearch : ElasticsearchAddress or None
    s3_endpoint, s3_ca : str or None
        Address of the store of all buckets, where it is not AWS's, and the file of its certificate authority.
    """

    files: ObjectStore
    hive: "HiveAddress | None" = None
    elasticsearch: "ElasticsearchAddress | None" = None
    s3_endpoint: str | None = None
    s3_ca: str | None = None
    _buckets: "dict[str, Bucket]" = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], home: Path) -> "Installation":
        """Return the installation that the variables of `VARIABLES` describe.

        Where ``LUPUS_ENV`` is not set, or ``embedded``, none of them is read.

        Parameters
        ----------
        environ : mapping of str to str
        home : Path
            The warehouse is below it, unless ``LUPUS_WAREHOUSE`` says otherwise.

        Raises
        ------
        StoreError
            A variable is missing, or says something that cannot be.
        """
        if environ.get(ENVIRONMENT, EMBEDDED) == EMBEDDED:
            return cls(Folder(home / "warehouse", private=True))
        given = {name: value for name, value in environ.items() if value}
        hive = elasticsearch = None
        if VARIABLES["hive_host"] in given:
            from lupus_assets.sinks.hive.address import HiveAddress

            hive = HiveAddress.from_environment(given)
        if VARIABLES["elasticsearch_url"] in given:
            from lupus_assets.sinks.elasticsearch.client import ElasticsearchAddress

            elasticsearch = ElasticsearchAddress.from_environment(given)
        endpoint, ca = (given.get(VARIABLES[name]) for name in ("s3_endpoint", "s3_ca"))
        return cls(_files(given, home), hive, elasticsearch, endpoint, ca)

    def tables(self) -> ParquetStore:
        """Return the tables."""
        return ParquetStore(self.files, followed=self.hive is not None)

    def source(self, model: MonitoredModel, track: str, data: Path) -> Source:
        """Return the prediction log of a track; connections are opened at first use.

        Parameters
        ----------
        model : MonitoredModel
        track : str
        data : Path
            Folder that declared paths are relative to.

        Raises
        ------
        SourceError
            There is no Hive, or the function cannot be imported.
        """
        declared, zone = model.tracks[track], model.cadence.zone
        if declared.function is not None:
            return FunctionSource.from_path(declared.function, zone)
        if declared.hive is not None:
            from lupus_assets.sources.hive import HiveSource

            return HiveSource(declared.hive, self._hive_of_logs(), self.folder, zone)
        if declared.hive_query is not None:
            from lupus_assets.sources.hive_query import HiveQuerySource

            return HiveQuerySource(declared.hive_query, self._hive_of_logs(), zone)
        pattern = declared.parquet or ""
        if "://" not in pattern:
            return ParquetSource(pattern, data, zone)
        root, path = self.folder(pattern)
        return ParquetSource(path, root, zone)

    def folder(self, address: str) -> "tuple[Disk | BucketRoot, str]":
        """Return the disk or bucket that a path or an address of Hive names, and the path in it.

        Raises
        ------
        SourceError
            It is on a store that is not read here.
        """
        scheme, separator, rest = address.partition(":")
        if not separator or scheme == "file":
            return Disk(Path("/")), f"/{rest.lstrip('/')}" if separator else address
        if scheme not in ("s3", "s3a", "s3n"):
            raise SourceError(f"{address} is on no disk and in no bucket; declare the track by hive_query")
        from lupus_assets.sources.bucket import BucketRoot

        bucket, _, path = rest.lstrip("/").partition("/")
        return BucketRoot(f"s3://{bucket}", self._bucket(bucket)), path

    def _bucket(self, name: str) -> "Bucket":
        from lupus_assets.sinks.files.s3 import Bucket, BucketAddress

        address = BucketAddress(name, endpoint=self.s3_endpoint, ca=self.s3_ca)
        return self._buckets.setdefault(name, Bucket(address))  # its client takes 0.1 s to make

    def _hive_of_logs(self) -> "Hive":
        try:
            return self.connect_hive()
        except UsageError as error:
            raise SourceError(f"the log is in Hive, and {error}") from None

    @property
    def view_names(self) -> list[str]:
        """The names of the views that this installation has."""
        return [name for name, address in ((HIVE, self.hive), (SEARCH, self.elasticsearch)) if address]

    def view(self, name: str) -> View:
        """Return the view ``hive`` or ``search``; connections are opened at first use.

        Raises
        ------
        UsageError
            The installation has no such view.
        """
        if name == HIVE:
            from lupus_assets.sinks.hive.view import HiveView

            return HiveView(self.connect_hive(), self.files)
        return self.search_view()

    def search_view(self) -> "SearchView":
        """Return the view of the tables in Elasticsearch.

        Raises
        ------
        UsageError
            There is no Elasticsearch.
        """
        if self.elasticsearch is None:
            raise UsageError(_absent("Elasticsearch", "elasticsearch_url"))
        from lupus_assets.sinks.elasticsearch.view import SearchView

        return SearchView(self.elasticsearch, self.tables())

    def connect_hive(self) -> "Hive":
        """Return a connection to Hive, opened at first use.

        Raises
        ------
        UsageError
            There is no Hive.
        """
        if self.hive is None:
            raise UsageError(_absent("Hive", "hive_host"))
        from lupus_assets.sinks.hive.connection import Hive

        return Hive(self.hive)

    def check_made(self) -> None:
        """Raise `UsageError` if the folder of the tables does not exist yet."""
        if isinstance(self.files, Folder) and not self.files.root.is_dir():
            remedy = "give --home, or materialise a model first (`make demo` does)"
            raise UsageError(f"{self.files.root} does not exist, {remedy}")

    def warehouse(self) -> "Warehouse":
        """Return the tables for SQL by DuckDB.

        Raises
        ------
        UsageError
            There are none yet, or they are in a bucket, which DuckDB does not read here.
        """
        if not isinstance(self.files, Folder):
            raise UsageError(
                f"DuckDB reads no bucket, and the tables are in {self.files.uri('')}; ask Hive: "
                "lupus sql --hive"
            )
        self.check_made()
        from lupus_assets.sinks.duckdb.query import Warehouse

        return Warehouse(self.files.root)

    def search_index(self) -> SearchIndex:
        """Return the search index: Elasticsearch if there is one, else DuckDB over the files.

        Raises
        ------
        UsageError
            There is neither.
        """
        if self.elasticsearch is not None:
            from lupus_assets.sinks.elasticsearch.alarm import AlarmSearch

            return AlarmSearch(self.elasticsearch)
        from lupus_assets.sinks.duckdb.search import WarehouseSearch

        return WarehouseSearch(self.warehouse())


def _absent(service: str, field: str) -> str:
    return f"no {service} here; set {VARIABLES[field]}, and {ENVIRONMENT} to services or production"


def _files(given: Mapping[str, str], home: Path) -> ObjectStore:
    place = given.get(VARIABLES["warehouse"], str(home / "warehouse"))
    if "://" not in place:
        return Folder(Path(place))
    from lupus_assets.sinks.files.s3 import Bucket, BucketAddress

    return Bucket(
        BucketAddress.parse(
            place, endpoint=given.get(VARIABLES["s3_endpoint"]), ca=given.get(VARIABLES["s3_ca"])
        )
    )
