"""Files in a bucket of an S3-compatible store.

By boto3: pyarrow's file system has no conditional PUT, which decides between concurrent compactions without a
lock or a clock.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, NoCredentialsError

from lupus_assets.errors import ObjectMissing, ServiceRefused, ServiceUnreachable, StoreError
from lupus_assets.records import Entry
from lupus_assets.sinks.files.s3_range import RangeFile
from lupus_assets.sinks.tls import is_distrusted

CONNECT_SECONDS = 5
READ_SECONDS = 60  # between two bytes, not for a whole file
ATTEMPTS = 5  # with exponential waits and jitter, by botocore: a store that restarts takes some seconds
CONNECTIONS = 16  # more threads than read one month's pieces
MOST_DELETED = 1000  # keys of one DeleteObjects, by the API
SCHEME = "s3://"
TRIED_AGAIN = {
    "ConditionalRequestConflict",
    "OperationAborted",
}  # two conditional PUTs met; neither says who won


@dataclass(frozen=True)
class BucketAddress:
    """The address of a bucket. Credentials come from the environment or a profile, as for every AWS tool.

    Attributes
    ----------
    bucket : str
    prefix : str
        Folder of the warehouse in the bucket, without slashes at its ends; may be empty.
    endpoint : str or None
        Address of a store that is not AWS's.
    ca : str or None
        File of the certificate authority of `endpoint`.
    """

    bucket: str
    prefix: str = ""
    endpoint: str | None = None
    ca: str | None = None

    @classmethod
    def parse(cls, url: str, *, endpoint: str | None = None, ca: str | None = None) -> "BucketAddress":
        """Return the address that ``s3://bucket/prefix`` names.

        Raises
        ------
        StoreError
            It names no bucket, or an address holds credentials.
        """
        for variable, address in (("LUPUS_WAREHOUSE", url), ("LUPUS_S3_ENDPOINT", endpoint or "")):
            if "@" in urlsplit(address).netloc:  # and it is not repeated here
                remedy = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead"
                raise StoreError(f"{variable} holds a user; {remedy}")
        bucket, _, prefix = url.removeprefix(SCHEME).partition("/")
        if not url.startswith(SCHEME) or not bucket:
            raise StoreError(f"{url!r} is no bucket; write s3://bucket or s3://bucket/prefix")
        return cls(bucket, prefix.strip("/"), endpoint or None, ca or None)


class Bucket:
    """Implements `lupus_assets.ports.ObjectStore` on S3: one PUT writes a file, whole or not at all.

    Implements `lupus_assets.ports.Files` as well, for the buckets of others.

    Parameters
    ----------
    address : BucketAddress
    client : optional
        Of boto3; made at first use by default.
    """

    snapshot = True  # a page of a listing is; a month's files fit into one

    def __init__(self, address: BucketAddress, client: Any = None) -> None:
        self.address = address
        if client is not None:
            self.client = client

    @cached_property
    def client(self) -> Any:
        """The boto3 client, which any number of threads may use."""
        return boto3.session.Session().client(
            "s3",
            endpoint_url=self.address.endpoint,
            verify=self.address.ca,
            config=Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
                max_pool_connections=CONNECTIONS,
                # Other stores than AWS's know buckets by path, and not all know trailing checksums.
                s3={"addressing_style": "path" if self.address.endpoint else "auto"},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    def list(self, prefix: str) -> list[Entry]:
        """Return every file below the folder `prefix`, sorted by path."""
        found = []
        start = len(self._key(""))
        with self._said("list", prefix):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.address.bucket, Prefix=self._key(prefix) + "/"
            )
            for page in pages:
                found += [
                    Entry(each["Key"][start:], f"{each['ETag']}-{each['LastModified']:%Y%m%dT%H%M%S}")
                    for each in page.get("Contents", ())
                ]
        return sorted(found)

    def paths(self, prefix: str) -> Sequence[str]:
        """Return the path of every file below the folder `prefix`."""
        return [entry.path for entry in self.list(prefix)]

    def get(self, path: str) -> bytes:
        """Return the bytes of a file, all of one version."""
        with self._said("read", path):
            found = self.client.get_object(Bucket=self.address.bucket, Key=self._key(path))
            data: bytes = found["Body"].read()
            return data

    def beginning(self, prefix: str) -> tuple[Sequence[str], Sequence[str]]:
        """Return the files and folders one level below `prefix`, which may end within a name."""
        files: Sequence[str] = []
        folders: Sequence[str] = []
        start = len(self._key(""))
        with self._said("list", prefix):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.address.bucket, Prefix=self._key(prefix), Delimiter="/"
            )
            for page in pages:
                files = [*files, *(each["Key"][start:] for each in page.get("Contents", ()))]
                folders = [*folders, *(each["Prefix"][start:] for each in page.get("CommonPrefixes", ()))]
        # A key that ends in `/` is what consoles make of an empty folder.
        return sorted(each for each in files if not each.endswith("/")), sorted(folders)

    def open(self, path: str) -> BinaryIO:
        """Return a seekable file of one version that fetches only the ranges that are read."""

        def ask(part: str, version: str | None) -> tuple[bytes, int, str]:
            with self._said("read", path):
                given = {} if version is None else {"IfMatch": version}
                try:
                    found = self.client.get_object(
                        Bucket=self.address.bucket, Key=self._key(path), Range=part, **given
                    )
                except ClientError as error:
                    code = error.response.get("Error", {}).get("Code", "")
                    if code == "InvalidRange":  # of an empty file there is no part
                        return b"", 0, ""
                    if code in ("PreconditionFailed", "412"):
                        raise ObjectMissing(f"{self._shown(self._key(path))} was replaced") from None
                    raise
                data: bytes = found["Body"].read()
            return data, int(found.get("ContentRange", f"/{len(data)}").rpartition("/")[2]), found["ETag"]

        return cast("BinaryIO", RangeFile(ask))

    def put(self, path: str, data: bytes) -> None:
        """Make `data` the bytes of a file."""
        with self._said("write", path):
            self.client.put_object(Bucket=self.address.bucket, Key=self._key(path), Body=bytes(data))

    def create(self, path: str, data: bytes) -> bool:
        """Make a file unless there is one already; return whether this call made it.

        An answer that got lost and was asked again says False to the call that won; callers look again then.
        """
        key = self._key(path)
        with self._said("write", path):
            try:
                self.client.put_object(Bucket=self.address.bucket, Key=key, Body=bytes(data), IfNoneMatch="*")
            except ClientError as error:
                code = error.response.get("Error", {}).get("Code", "")
                if code == "PreconditionFailed" or code in TRIED_AGAIN:
                    return False
                raise
        return True

    def delete(self, paths: Sequence[str]) -> None:
        """Remove files."""
        for start in range(0, len(paths), MOST_DELETED):
            chosen = paths[start : start + MOST_DELETED]
            with self._said("remove", chosen[0]):
                answer = self.client.delete_objects(
                    Bucket=self.address.bucket,
                    Delete={"Objects": [{"Key": self._key(path)} for path in chosen], "Quiet": True},
                )
            for problem in answer.get("Errors", ()):
                said = f"{problem.get('Code')} ({problem.get('Message')})"
                raise ServiceRefused(f"{self._shown(problem['Key'])} cannot be removed: {said}")

    def uri(self, path: str) -> str:
        """Return the ``s3a:`` address of a folder, by which Hadoop knows it."""
        return f"s3a://{self.address.bucket}/{self._key(path)}"

    def _key(self, path: str) -> str:
        return f"{self.address.prefix}/{path}" if self.address.prefix else path

    def _shown(self, key: str) -> str:
        return f"{SCHEME}{self.address.bucket}/{key}"

    @contextmanager
    def _said(self, verb: str, path: str) -> Iterator[None]:
        """Convert an error of boto3 into one that names the file and the remedy."""
        where = self._shown(self._key(path))
        at = self.address.endpoint or "AWS"
        try:
            yield
        except NoCredentialsError:
            raise ServiceRefused(
                f"cannot {verb} {where}: no credentials; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY"
            ) from None
        except ClientError as error:
            # Without the original: its response repeats the request, and some stores sign into it.
            raise _refused(error.response, f"cannot {verb} {where}", at) from None
        except (HTTPClientError, BotoCoreError) as error:
            if is_distrusted(error):
                raise ServiceUnreachable(
                    f"cannot {verb} {where}: the certificate of {at} is not trusted ({error}); "
                    "set LUPUS_S3_CA to the file of its certificate authority"
                ) from None
            raise ServiceUnreachable(
                f"cannot {verb} {where}: {at} does not answer ({error}); correct LUPUS_S3_ENDPOINT, "
                "start it or mend the network, then run again what failed"
            ) from None


REMEDIES: Mapping[str, str] = {
    "NoSuchBucket": "make the bucket, or correct its name in LUPUS_WAREHOUSE or in the declaration",
    "InvalidAccessKeyId": "correct AWS_ACCESS_KEY_ID or AWS_PROFILE",
    "SignatureDoesNotMatch": "correct AWS_SECRET_ACCESS_KEY or AWS_PROFILE",
    "AccessDenied": "give these credentials the rights to list, get, put and delete there, or set others "
    "in AWS_ACCESS_KEY_ID or AWS_PROFILE",
}


def _refused(response: Mapping[str, Any], what: str, at: str) -> StoreError:
    said = response.get("Error", {})
    code, status = said.get("Code", ""), response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in ("NoSuchKey", "404"):
        return ObjectMissing(f"{what}: it does not exist")
    kind: Callable[[str], StoreError] = ServiceUnreachable if status >= 500 else ServiceRefused
    remedy = REMEDIES.get(
        code, "start it or mend it" if status >= 500 else "correct the settings of the store"
    )
    return kind(f"{what}: {at} answers {status} {code} ({said.get('Message', '')}); {remedy}")
