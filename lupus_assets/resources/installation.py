"""Installations as Dagster resources: the stores, logs and views of the assets of a location."""

from collections.abc import Sequence
from pathlib import Path

import dagster as dg
from pydantic import Field

from lupus_assets.installation import ENVIRONMENT, HIVE, SEARCH, VARIABLES, Installation
from lupus_assets.pipeline import Pipeline
from lupus_assets.ports import Journal, Tables, View
from lupus_assets.sinks.files.journal import StoreJournal


class Embedded(dg.ConfigurableResource):  # type: ignore[type-arg]  # generic in the value it hands out: itself
    """An installation in one folder.

    Attributes
    ----------
    home : str
        Folder of the warehouse; relative to the working folder of the process.
    data_root : str
        Base folder of relative paths in declarations.
    salt : str
        Key of the hashes of keys, entities and rare categories. With it, values can be guessed from their
        hashes; a shared warehouse needs a secret key.
    """

    home: str
    data_root: str
    salt: str = Field(repr=False)

    def installation(self) -> Installation:
        """Return the installation that the fields describe."""
        return Installation.from_environment({}, Path(self.home))

    def pipeline(self) -> Pipeline:
        """Return the pipeline over this installation's store and logs."""
        installation = self.installation()
        return Pipeline(
            store=installation.tables(),
            source=lambda model, track: installation.source(model, track, Path(self.data_root)),
            salt=self.salt.encode(),
        )

    def tables(self) -> Tables:
        """Return the tables, for compaction and views."""
        return self.installation().tables()

    def journal(self) -> Journal:
        """Return the journal of begun and unreported partitions, which is stored beside the tables."""
        return StoreJournal(self.installation().files)

    @property
    def view_names(self) -> Sequence[str]:
        """The names of the views; available before secrets are."""
        return ()

    def view(self, name: str) -> View:
        """Return a view by its name."""
        return self.installation().view(name)


class Serviced(Embedded):
    """An installation with files on a mount or in a bucket, and with Hive and Elasticsearch if given.

    The fields have the meaning of the variables in `lupus_assets.installation.VARIABLES`. Credentials of the
    bucket are not among them: they come from the AWS environment variables or profile, as in every AWS tool.
    """

    warehouse: str | None = None
    s3_endpoint: str | None = None
    s3_ca: str | None = None
    hive_host: str | None = None
    hive_port: str | None = None
    hive_database: str | None = None
    hive_auth: str | None = None
    hive_user: str | None = None
    hive_password: str | None = Field(default=None, repr=False)
    hive_kerberos_service: str | None = None
    elasticsearch_url: str | None = None
    elasticsearch_user: str | None = None
    elasticsearch_password: str | None = Field(default=None, repr=False)
    elasticsearch_api_key: str | None = Field(default=None, repr=False)
    elasticsearch_ca: str | None = None

    def installation(self) -> Installation:
        """Return the installation that the fields describe."""
        given = {variable: getattr(self, field) or "" for field, variable in VARIABLES.items()}
        given[ENVIRONMENT] = "services"
        return Installation.from_environment(given, Path(self.home))

    @property
    def view_names(self) -> Sequence[str]:
        """The names of the views; available before secrets are."""
        fields = {HIVE: self.hive_host, SEARCH: self.elasticsearch_url}
        return [name for name, field in fields.items() if field]
