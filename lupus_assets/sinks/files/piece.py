"""Tables as the bytes of Parquet files, and back."""

import hashlib

import pyarrow as pa
import pyarrow.parquet as pq

from lupus_assets.errors import StoreError
from lupus_assets.sinks.files.layout import (
    GENERATIONS,
)
from lupus_assets.sinks.schema import conform

# What a damaged file raises; text in it that is none is a ValueError.
DAMAGE = (OSError, pa.ArrowException, ValueError, TypeError, LookupError, OverflowError, StoreError)


def encode(table: pa.Table, notes: dict[bytes, bytes] | None = None) -> bytes:
    """Return `table` as the bytes of a Parquet file, with `notes` in its footer.

    The same rows give the same bytes, and pages have checksums. Without the Arrow schema in the footer, which
    says nothing that Parquet's own does not, and would be a fifth of a small file.
    """
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(
        sink, table.schema, compression="zstd", store_schema=False, write_page_checksum=True
    ) as writer:
        writer.write_table(table)
        if notes:
            writer.add_key_value_metadata(notes)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def opened(data: bytes, path: str) -> pq.ParquetFile:
    """Return the Parquet file in `data`; `path` is named in the error of a damaged one."""
    try:
        return pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)
    except DAMAGE as error:
        raise unreadable(path, error) from error


def decoded(file: pq.ParquetFile, path: str, schema: pa.Schema) -> pa.Table:
    """Return the columns of `schema`; those newer than the file are null."""
    try:
        present = set(file.schema_arrow.names)
        found = file.read(columns=[name for name in schema.names if name in present], use_threads=False)
        return conform(found, schema)
    except DAMAGE as error:
        raise unreadable(path, error) from error


def unreadable(path: str, error: Exception) -> StoreError:
    """Return the error of a damaged file, with its remedy."""
    folder, _, name = path.partition("/month=")
    remedy = (
        f"restore it, or remove {folder}/month={name.partition('/')[0]} and run the month's partitions again"
        if path.startswith(f"{GENERATIONS}/")
        else "remove it and run its partition again"
    )
    return StoreError(f"{path} cannot be read: {error}; {remedy}")


def digest_of(data: bytes) -> str:
    """Return the digest that a generation names a piece by."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()
