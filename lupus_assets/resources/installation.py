"""Installations as Dagster resources: what the assets of a location write to and read from."""

from collections.abc import Sequence
from pathlib import Path

import dagster as dg
from pydantic import Field

from lupus_assets.installation import ENVIRONMENT, HIVE, SEARCH, VARIABLES, Installation
from lupus_assets.pipeline import Pipeline
from lupus_assets.ports import Journal, Tables, View
from lupus_assets.sinks.files.journal import StoreJournal


class Embedded(dg.ConfigurableResource):  # type: ignore[type-arg]  # generic in the value it hands out: itself
    """Everything in one folder.

    Attributes
    ----------
    home : str
        Folder of the warehouse; relative to the folder the process runs in.
    data_root : str
        Folder that the declarations' paths are relative to.
    salt : str
        Key of the hashes that stand for keys, entities and rare categories. Whoever knows it can
        try out values, so a shared warehouse needs a secret one.
    """

    home: str
    data_root: str
    salt: str = Field(repr=False)

    def installation(self) -> Installation:
        """Return what this resource describes."""
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
        """Return the tables, for what keeps them in order."""
        return self.installation().tables()

    def journal(self) -> Journal:
        """Return what runs have begun and not reported, beside the tables."""
        return StoreJournal(self.installation().files)

    @property
    def view_names(self) -> Sequence[str]:
        """The names of the views; known before any secret is."""
        return ()

    def view(self, name: str) -> View:
        """Return a view by its name."""
        return self.installation().view(name)


class Serviced(Embedded):
    """Files on a mount or in a bucket, shown by Hive and Elasticsearch where they are given.

    The fields are the variables of `lupus_assets.installation.VARIABLES`, and mean the same. Credentials
    of the bucket are none of them: they come as for every AWS tool, from the environment or a profile.
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
        """Return what this resource describes."""
        given = {variable: getattr(self, field) or "" for field, variable in VARIABLES.items()}
        given[ENVIRONMENT] = "services"
        return Installation.from_environment(given, Path(self.home))

    @property
    def view_names(self) -> Sequence[str]:
        """The names of the views; known before any secret is."""
        fields = {HIVE: self.hive_host, SEARCH: self.elasticsearch_url}
        return [name for name, field in fields.items() if field]
