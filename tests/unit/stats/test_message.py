"""Every refusal of a state says fact and remedy, word for word."""

from dataclasses import replace

import numpy as np
import pytest

from lupus_assets.detect.trend import trend
from lupus_assets.errors import StateError
from lupus_assets.stats.category import Categories
from lupus_assets.stats.clusters import Clusters, counted
from lupus_assets.stats.codec import from_bytes, to_bytes
from lupus_assets.stats.column import CategoricalColumn, NumericColumn
from lupus_assets.stats.distance import as_others_define as definition
from lupus_assets.stats.distance.expectation import expected_psi
from lupus_assets.stats.distance.numeric import NumericStack
from lupus_assets.stats.distance.pair import gaps, smoothed
from lupus_assets.stats.distinct import Distinct
from lupus_assets.stats.grid import Grid
from lupus_assets.stats.histogram import Histogram
from lupus_assets.stats.joint import Confusion, ErrorSums, ScoreLabel
from lupus_assets.stats.profile import Profile
from lupus_assets.stats.reference.numeric import NumericReference
from lupus_assets.stats.reference.ranking import RankMoments
from lupus_assets.stats.reference.surrogate import Design, EquationSums, NormalEquations
from lupus_assets.stats.score_label import Decisions

UNIT, OTHER = Grid(0.0, 1.0), Grid(1.0, 1.0)
SOME, NONE = np.arange(3.0), np.empty(0)
FULL, EMPTY, APART = Histogram.of(SOME, UNIT), Histogram.of(NONE, UNIT), Histogram.of(SOME, OTHER)
NUMBERS, MOVED = NumericColumn.of(SOME, 0, UNIT), NumericColumn.of(SOME, 0, OTHER)
WORDS = CategoricalColumn(3, 0, Categories.of(["a", "b"], np.array([1, 2]), b"salt"))
YES = np.array([True, False, True])
SCORED = ScoreLabel.of(SOME / 2, YES, 0.5)
DESIGN, WIDER = Design.of({"a": NUMBERS}), Design.of({"a": NUMBERS, "b": NUMBERS})
CODES = np.zeros((3, 1), np.uint8)


def profile(joint: object = None, **columns: object) -> Profile:
    return Profile(counts=None, columns=columns, joint=joint)


def hashed(scheme: int) -> Distinct:
    return replace(Distinct.of_hashes(np.arange(5, dtype=np.uint64)), scheme=scheme)


ONE_TIME = counted(np.zeros(3, np.uint8))

REFUSED = [
    (lambda: trend(np.ones(5)), ValueError, "5 values; a trend needs 8 or more, all finite"),
    (
        lambda: Clusters(ONE_TIME, {}, {}).design_effect(ONE_TIME + 1),
        StateError,
        "a time has more events than rows; count both over the same rows",
    ),
    (lambda: from_bytes(b"nothing"), StateError, "no state begins with b'noth'"),
    (lambda: from_bytes(b""), StateError, "no state begins with b''"),
    (
        lambda: from_bytes(b"LUPS\x09\x00"),
        StateError,
        "the state is of format 9, this version of Lupus reads 1 to 6:"
        " read it with the version that wrote it",
    ),
    (
        lambda: from_bytes(to_bytes(NUMBERS)[:-1]),
        StateError,
        "the state is damaged (its checksum is not that of its content)",
    ),
    (
        lambda: to_bytes({1, 2}),
        StateError,
        "a set has no place in a state; list its class in codec.format.STATES",
    ),
    (
        lambda: definition.psi(SOME, SOME, definition="nannyml"),
        ValueError,
        "nannyml has no psi; definition='evidently' has",
    ),
    (
        lambda: definition.z_test(SOME, SOME, definition="nannyml"),
        ValueError,
        "nannyml has no Z test; definition='evidently' has",
    ),
    (
        lambda: definition.l_infinity(SOME, SOME, definition="evidently"),
        ValueError,
        "evidently has no L-infinity distance; definition='nannyml' has",
    ),
    (
        lambda: definition.ks(SOME, SOME, definition="other"),
        ValueError,
        "definition is 'other'; give 'evidently' or 'nannyml'",
    ),
    (
        lambda: definition.ks(SOME, NONE, definition="nannyml"),
        ValueError,
        "a window without values has no distance; check its count first",
    ),
    (
        lambda: smoothed([1, 2], [0, 0]),
        ValueError,
        "a window without rows has no distance; check its count first",
    ),
    (
        lambda: expected_psi([1, 2], [1, 2], 0),
        ValueError,
        "a window without rows has no distance; check its count first",
    ),
    (
        lambda: smoothed([1, 2, 3], [1, 2]),
        ValueError,
        "3 reference bins against 2; bin both by one reference",
    ),
    (
        lambda: gaps(FULL, APART),
        StateError,
        "the histograms lie on different grids; profile both with the reference's grid",
    ),
    (
        lambda: gaps(FULL, EMPTY),
        ValueError,
        "a histogram without values has no distance; check its total first",
    ),
    (
        lambda: hashed(0) + hashed(1),
        StateError,
        "one of the states was written by an earlier version, which hashed text differently;"
        " profile that window again",
    ),
    (
        lambda: Grid(0.0, 0.0),
        StateError,
        "Grid(centre=0.0, scale=0.0, decimals=None) is no grid;"
        " centre must be finite and scale finite and above 0",
    ),
    (
        lambda: FULL + APART,
        StateError,
        f"histograms on {UNIT} and on {OTHER} cannot be added; profile both windows with the same reference",
    ),
    (
        lambda: EMPTY.quantile(0.5),
        ValueError,
        "an empty histogram has no quantiles; ask for its total first",
    ),
    (
        lambda: FULL.quantile(1.5),
        ValueError,
        "quantiles are asked for by probabilities in [0, 1], not 1.5",
    ),
    (
        lambda: Decisions.of(SOME, YES, 0.5) + Decisions.of(SOME, YES, 0.6),
        StateError,
        "decisions at threshold 0.5 and at 0.6 do not add;"
        " profile both windows with the same decision.threshold",
    ),
    (
        lambda: ScoreLabel.of(SOME / 2, YES[:2], 0.5),
        ValueError,
        "(3,) scores against (2,) labels; give one label per score",
    ),
    (
        lambda: ScoreLabel.of(SOME, YES, 0.5),
        ValueError,
        "a score lies outside [0, 1]; leave such rows out and count them",
    ),
    (
        lambda: ScoreLabel.of(SOME / 2, SOME, 0.5),
        ValueError,
        "a label is neither 0 nor 1; leave such rows out or declare what is positive",
    ),
    (
        lambda: ErrorSums.of(SOME, SOME[:2]),
        ValueError,
        "(3,) predictions against (2,) labels; give one each",
    ),
    (
        lambda: ErrorSums.of(SOME, SOME * np.nan),
        ValueError,
        "a prediction or label is not finite; leave such rows out and count them",
    ),
    (
        lambda: Confusion.of(np.arange(3, dtype=np.uint64), np.arange(2, dtype=np.uint64)),
        ValueError,
        "(3,) predictions against (2,) labels; give one each",
    ),
    (
        lambda: profile(a=NUMBERS, b=NUMBERS) + profile(a=NUMBERS, c=NUMBERS),
        StateError,
        "profiles with different columns cannot be added: 'b', 'c' on one side only;"
        " profile both windows with the same declaration",
    ),
    (
        lambda: profile(a=NUMBERS) + profile(a=WORDS),
        StateError,
        "column 'a': a NumericColumn and a CategoricalColumn cannot be added;"
        " the column changed its type, so profile both windows with the same declaration",
    ),
    (
        lambda: profile(SCORED) + profile(ErrorSums.empty()),
        StateError,
        "profiles of different kinds of prediction cannot be added; profile both anew",
    ),
    (
        lambda: RankMoments.empty(("a",)) + RankMoments.empty(("b",)),
        StateError,
        "the states rank different columns; profile both windows with one reference",
    ),
    (
        lambda: NumericReference.of(NUMBERS).binned(MOVED),
        StateError,
        "the column lies on another grid than the reference; profile it with the reference's grid",
    ),
    (
        lambda: NumericStack.of([[NUMBERS], [MOVED]]),
        StateError,
        "the windows lie on different grids; profile them with one reference",
    ),
    (
        lambda: NormalEquations.of(WIDER, CODES, SOME),
        ValueError,
        "codes of shape (3, 1) for 2 columns; stack one per name",
    ),
    (
        lambda: NormalEquations.of(DESIGN, CODES, SOME[:2]),
        ValueError,
        "(2,) scores for 3 rows of codes; give one each",
    ),
    (
        lambda: NormalEquations.of(DESIGN, CODES, SOME * np.nan),
        ValueError,
        "a score is not finite; leave such rows out and count them",
    ),
    (
        lambda: EquationSums(WIDER).add(CODES, SOME),
        ValueError,
        "codes of shape (3, 1) for 2 columns; stack one per name",
    ),
    (
        lambda: EquationSums(DESIGN).add(CODES, SOME[:2]),
        ValueError,
        "(2,) scores for 3 rows of codes; give one each",
    ),
    (
        lambda: EquationSums(DESIGN).add(CODES, SOME + np.inf),
        ValueError,
        "a score is not finite; leave such rows out and count them",
    ),
    (
        lambda: NormalEquations.empty(DESIGN) + NormalEquations.empty(WIDER),
        StateError,
        "the states encode their columns differently; encode both by one reference",
    ),
    (
        lambda: NormalEquations.empty(DESIGN).solve(),
        ValueError,
        "no rows to fit a surrogate on; check the reference window's scores",
    ),
    (
        lambda: NormalEquations.of(DESIGN, CODES, SOME).solve(ridge=0),
        ValueError,
        "ridge is 0, and must be positive: codes of a column sum to one",
    ),
]


@pytest.mark.parametrize(("refused", "error", "message"), REFUSED, ids=[message for *_, message in REFUSED])
def test_what_is_refused_is_said_with_a_remedy(refused, error, message):
    with pytest.raises(error) as caught:
        refused()
    assert str(caught.value) == message
