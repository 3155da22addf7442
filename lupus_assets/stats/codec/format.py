"""The format of serialised states: its versions, and the classes that it can hold."""

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
READ = (1, 2, 3, 4, 5, 6)  # 1 hashed text by BLAKE2b, and before 3 fewer hashes were kept: see `Distinct`
BY_CODE = 6  # the format from which on scores are counted by `roc` and not on the score's grid
HALF_HASHES = 3  # the format from which on hashes may be short
CHECKED = 6  # the format from which on there is a checksum
DEEPEST = 32  # lists within lists of a tree; a reference has 8
PREFIX = struct.Struct("<4sH")
LENGTH = struct.Struct("<I")
CHECKSUM = struct.Struct("<I")

# What a profile is made of.
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

# What is bound to labels or to a frozen reference.
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

# What is read instead where only distances are asked for: the same, with fewer fields.
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
