"""The format of serialised states: its versions, and the classes it can encode."""

import struct
import zlib

from lupus_assets.stats.category import Categories
from lupus_assets.stats.clusters import Clusters
from lupus_assets.stats.column import CategoricalColumn, IdentityColumn, NumericColumn, TimestampColumn
from lupus_assets.stats.distance.marginal import CategoricalMarginal, CategoryCounts, NumericMarginal
from lupus_assets.stats.distinct import Distinct
from lupus_assets.stats.grid import Grid
from lupus_assets.stats.histogram import Histogram
from lupus_assets.stats.joint import Confusion, ErrorSums
from lupus_assets.stats.moments import Moments
from lupus_assets.stats.profile import Profile, RowCounts
from lupus_assets.stats.reference.association import Association
from lupus_assets.stats.reference.categorical import CategoricalReference
from lupus_assets.stats.reference.encoder import CategoricalEncoder, Design, NumericEncoder
from lupus_assets.stats.reference.frozen import Reference
from lupus_assets.stats.reference.numeric import NumericReference
from lupus_assets.stats.reference.ranking import Ranking, RankMoments
from lupus_assets.stats.reference.residual import Residual
from lupus_assets.stats.reference.surrogate import NormalEquations, Surrogate
from lupus_assets.stats.roc import RocCounts
from lupus_assets.stats.score_label import Calibration, Decisions, ScoreLabel

MAGIC = b"LUPS"
VERSION = 6
READ = (1, 2, 3, 4, 5, 6)  # 1 hashed text by BLAKE2b; 1 and 2 kept fewer hashes: see `Distinct`
BY_CODE = 6  # first format that counts scores by `roc`, not on the score's grid
HALF_HASHES = 3  # first format with shortened hashes
CHECKED = 6  # first format with a checksum
DEEPEST = 32  # maximum nesting of a tree; a reference has 8 levels
PREFIX = struct.Struct("<4sH")
LENGTH = struct.Struct("<I")
CHECKSUM = struct.Struct("<I")

# States of a profile.
PROFILED: tuple[type, ...] = (
    CategoricalColumn,
    Categories,
    Clusters,
    Distinct,
    Grid,
    Histogram,
    IdentityColumn,
    Moments,
    NumericColumn,
    Profile,
    RowCounts,
    TimestampColumn,
)

# States that depend on labels or on a frozen reference.
REFERENCED: tuple[type, ...] = (
    Calibration,
    Association,
    CategoricalEncoder,
    CategoricalReference,
    Confusion,
    Decisions,
    Design,
    ErrorSums,
    NormalEquations,
    NumericEncoder,
    NumericReference,
    RankMoments,
    Ranking,
    Reference,
    Residual,
    RocCounts,
    ScoreLabel,
    Surrogate,
)

STATES: dict[str, type] = {state.__name__: state for state in (*PROFILED, *REFERENCED)}

# Classes to build for distances: subsets of the states' fields.
MARGINAL: dict[str, type] = {
    "Categories": CategoryCounts,
    "CategoricalColumn": CategoricalMarginal,
    "Distinct": Distinct,
    "Grid": Grid,
    "Histogram": Histogram,
    "NumericColumn": NumericMarginal,
}
MARGINALS: tuple[type, ...] = (NumericMarginal, CategoricalMarginal)


def checksum(prefix: bytes, packed: bytes | memoryview) -> int:
    """Return the CRC-32 of everything but the checksum itself."""
    return zlib.crc32(packed, zlib.crc32(prefix))
