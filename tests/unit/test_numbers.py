"""Every number that Lupus prints, against the one that the rows themselves give.

Tolerances: counts, shares, extremes, and whatever is said of columns of few values, are exact to rounding.
A quantile of many values is off by the width of its grid bin, 0.8 % of its distance from the grid's centre; a
Kolmogorov-Smirnov distance by the mass of the fullest bin, a Wasserstein distance by half a bin's width; what
is counted in ten parts by what moving a cut by one bin does. Distinct counts beyond 1,024 are off by 1.7 %
(one standard error).
"""

import json
import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import stats
from sklearn import metrics

from lupus_assets.cli import main
from lupus_assets.measuring.column import QUANTILES, column_metrics, performance_metrics
from lupus_assets.profiling.outline import outline
from lupus_assets.stats.column import CategoricalColumn, NumericColumn
from lupus_assets.stats.estimate import Estimate
from lupus_assets.stats.joint import ErrorSums
from lupus_assets.stats.reference.categorical import CategoricalReference
from lupus_assets.stats.reference.numeric import NumericReference
from lupus_assets.stats.score_label import ScoreLabel
from tests.unit.adversary import numbers, sigmoid, table

FEW = 1_024  # values up to which they are known
LARGE = ("normal", "lognormal", "zero_one", "ages", "saturated", "text_tail", "offset")
SIZES = (1, 2, 30, 5_000)


def present(column: pa.ChunkedArray) -> np.ndarray:
    return column.drop_null().to_numpy()


def finite(column: pa.ChunkedArray) -> np.ndarray:
    values = present(column).astype(np.float64)
    return values[np.isfinite(values)]


def width(x: np.ndarray, at: float) -> float:
    """Return twice the width of a grid bin at some value, and what rounding leaves of large ones."""
    centre = middle(x[:: max(1, x.size // 8_192)])  # a sample places the grid
    return 2**-6 * 2 * abs(at / 2 - centre / 2) + 1e-12 * abs(at) + 1e-300


def middle(x: np.ndarray) -> float:
    return 2 * float(np.median(x / 2)) if np.abs(x).max() > 1e300 else float(np.median(x))


def check_quantile(x: np.ndarray, q: float, found: float, name: str) -> None:
    with np.errstate(over="ignore"):
        exact = float(np.quantile(x, q))
        below, above = (float(np.quantile(x, q, method=method)) for method in ("lower", "higher"))
    if not math.isfinite(above - below):
        share = q * (x.size - 1) % 1
        exact = below * (1 - share) + above * share
    if np.unique(x).size <= FEW and known(x, x):
        assert found == pytest.approx(exact, rel=1e-9, abs=5e-324), name
    assert below - width(x, below) <= found <= above + width(x, above), name
    assert x.min() <= found <= x.max(), name


def check_moments(x: np.ndarray, mean: float, sd: float | None, name: str) -> None:
    wide = x.astype(np.longdouble)
    exact = wide.mean()
    assert mean == pytest.approx(float(exact), rel=1e-12, abs=1e-13 * float(np.abs(x).max())), name
    if x.size < 2:
        assert sd is None, name
        return
    exact_sd = float(np.sqrt(((wide - exact) ** 2).sum() / (x.size - 1)))
    if exact_sd > 1e150:
        assert sd is None, name  # its square is no float
    else:
        assert sd == pytest.approx(exact_sd, rel=1e-9, abs=1e-9 * exact_sd + 1e-160), name


def check_distinct(values: int, found: float, name: str) -> None:
    assert found == values if values <= FEW else abs(found / values - 1) < 4 * 0.017, name


def profiled(path: Any, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    assert main(["profile", str(path), *more, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize(
    ("rows", "names"), [*[(rows, None) for rows in SIZES], (1_000_000, LARGE)], ids=[*map(str, SIZES), "10^6"]
)
def test_a_profile_says_what_the_rows_say(rows, names, tmp_path, capsys):
    rows_table = table(rows, 7, names)
    pq.write_table(rows_table, tmp_path / "rows.parquet")
    found = profiled(tmp_path / "rows.parquet", capsys)
    assert found["rows"] == rows
    assert found["columns"].keys() == set(rows_table.column_names)
    for name, said in found["columns"].items():
        column = rows_table[name]
        assert (said["rows"], said["nulls"]) == (rows, column.null_count), name
        if said["kind"] == "numeric":
            check_numeric(column, said, name)
        elif said["kind"] == "categorical":
            check_categorical(column, said, name)


def check_numeric(column: pa.ChunkedArray, said: Mapping[str, Any], name: str) -> None:
    values, x = present(column), finite(column)
    assert said["nans"] == np.isnan(values.astype(float)).sum(), name
    assert said["infinities"] == np.isinf(values.astype(float)).sum(), name
    assert said["zeros"] == np.sum(x == 0), name
    if not x.size:
        assert [said[each] for each in ("mean", "sd", "minimum", "median", "maximum")] == [None] * 5, name
        return
    check_distinct(np.unique(values[np.isfinite(values.astype(float))]).size, said["distinct"], name)
    check_moments(x, said["mean"], said["sd"], name)
    assert (said["minimum"], said["maximum"]) == (x.min(), x.max()), name
    for key, q in {"q05": 0.05, "median": 0.5, "q95": 0.95}.items():
        check_quantile(x, q, said[key], name)


def check_categorical(column: pa.ChunkedArray, said: Mapping[str, Any], name: str) -> None:
    words = [
        str(value).lower() if isinstance(value, bool) else value for value in column.drop_null().to_pylist()
    ]
    counts = {
        str(value): int(count) for value, count in zip(*np.unique(words, return_counts=True), strict=True)
    }
    check_distinct(len(counts), said["distinct"], name)
    assert all(counts[value] == count for value, count in said["most_frequent"].items()), name
    assert sorted(said["most_frequent"].values()) == sorted(counts.values())[-3:], name


def tally(column: pa.ChunkedArray) -> dict[str, int]:
    words = [
        str(value).lower() if value in (True, False) else value for value in column.drop_null().to_pylist()
    ]
    return {str(value): int(n) for value, n in zip(*np.unique(words, return_counts=True), strict=True)}


def parts(x: np.ndarray) -> list[tuple[float, float]]:
    """Return the lowest and the highest value of ten parts of nearly equal mass, as they meet."""
    values, counts = np.unique(x, return_counts=True)
    upto = np.append(0, np.cumsum(counts))
    cuts = set()
    for wanted in x.size * np.arange(1, 10) / 10:
        at = int(np.argmin(np.abs(upto - wanted) - 1e-9 * np.arange(upto.size)))
        cuts.add(at)
    places = [0, *sorted(cuts - {0, values.size}), values.size]
    found = list(pairwise(places))
    single = [behind - first == 1 and counts[first] > 1 for first, behind in found]
    edges = [[values[first], values[behind - 1]] for first, behind in found]
    for at in range(len(found) - 1):
        if not single[at + 1]:
            edges[at + 1][0] = np.nextafter(edges[at][1], np.inf)
        elif not single[at]:
            edges[at][1] = np.nextafter(edges[at + 1][0], -np.inf)
    return [(low, high) for low, high in edges]


def counted(bins: list[tuple[float, float]], x: np.ndarray, infinite: int, absent: int) -> np.ndarray:
    inside = [int(np.sum((low <= x) & (x <= high))) for low, high in bins]
    return np.array([*inside, x.size - sum(inside) + infinite, absent], float)


def distances(a: np.ndarray, b: np.ndarray) -> dict[str, float]:
    half = 0.5 / min(a.sum(), b.sum())
    p, q = a / a.sum() + half, b / b.sum() + half
    p, q = p / p.sum(), q / q.sum()
    middle = (p + q) / 2
    return {
        "psi": float(np.sum((q - p) * np.log(q / p))),
        "jensen_shannon": float(np.sqrt((stats.entropy(p, middle) + stats.entropy(q, middle)) / 2)),
        "l_infinity": float(np.abs(q - p).max()),
    }


def chi_square(a: np.ndarray, b: np.ndarray) -> float:
    filled = a + b > 0
    if filled.sum() < 2:
        return 0.0
    return float(stats.chi2_contingency(np.stack([a, b])[:, filled], correction=False).statistic)


def apart(column: pa.ChunkedArray) -> tuple[int, int]:
    values = present(column).astype(np.float64)
    return int(np.isinf(values).sum()), column.null_count + int(np.isnan(values).sum())


def expected_numeric(old: pa.ChunkedArray, new: pa.ChunkedArray) -> dict[str, float]:
    x, y = finite(old), finite(new)
    bins = parts(x) if x.size else []
    found = distances(counted(bins, x, *apart(old)), counted(bins, y, *apart(new)))
    if x.size and y.size:
        found["ks"] = float(stats.ks_2samp(x, y).statistic)
        half = 0.5 if max(np.abs(x).max(), np.abs(y).max()) > 1e300 else 1.0  # halves do not overflow
        found["wasserstein"] = float(stats.wasserstein_distance(x * half, y * half)) / half
    return found


PAIRS = [(5_000, 5_000), (5_000, 20), (30, 5_000), (5_000, 30), (2, 30), (1, 1)]


@pytest.mark.parametrize(("before", "after"), PAIRS)
@pytest.mark.parametrize("moved", [False, True])
def test_distances_are_those_of_the_rows(before, after, moved, tmp_path, capsys):
    old, new = table(before, 1), table(after, 2)
    if moved:
        old, new = changed(old), new
    for name, rows in (("old", old), ("new", new)):
        pq.write_table(rows, tmp_path / f"{name}.parquet")
    found = profiled(tmp_path / "new.parquet", capsys, "--against", str(tmp_path / "old.parquet"))
    for column in found["columns"]:
        name = column["column"]
        assert column["rows"] == [before, after]
        said = column["distances"]
        if column["kind"] == "numeric":
            assert column["nulls"] == [apart(each[name])[1] / each.num_rows for each in (old, new)], name
            check_drift(old[name], new[name], column, name)
        else:
            check_categories(old[name], new[name], said, name)
        assert 0 <= said["chi_square_p"] <= 1, name
        assert column["expected_psi"] >= 0, name


def changed(rows: pa.Table) -> pa.Table:
    """Put other values in place of some: another unit, or a code that was not there."""
    codes = present(rows["codes"])
    others = {"codes": np.where(codes == 3, 2, codes), "constant": np.full(rows.num_rows, 1e6)}
    for name, values in others.items():
        rows = rows.set_column(rows.column_names.index(name), name, pa.array(values))
    return rows


def check_drift(old: pa.ChunkedArray, new: pa.ChunkedArray, column: Mapping[str, Any], name: str) -> None:
    x, y, said = finite(old), finite(new), column["distances"]
    for values, median in zip((x, y), column["median"], strict=True):
        if values.size:
            check_quantile_on(x if x.size else values, values, median, name)
        else:
            assert median is None, name
    expected = expected_numeric(old, new)
    few = np.unique(np.concatenate([x, y])).size <= FEW and known(x, y)
    for key, value in expected.items():
        if few and math.isfinite(value):
            assert said[key] == pytest.approx(value, rel=1e-6, abs=1e-9), (name, key)
        elif few:
            assert said[key] is None, (name, key)
        elif key == "wasserstein":
            slack = 2**-8 * (value + 2 * np.abs(x / 2 - middle(x) / 2).mean()) + 1e-300
            assert said[key] == pytest.approx(value, rel=0.01, abs=slack), (name, key)
        else:
            rows = min(x.size, y.size)
            slack = 0.012 + 2 / rows if key == "ks" else 0.006 + 2 / rows
            if key != "psi" or rows > 1_000:
                assert said[key] == pytest.approx(value, rel=0.05, abs=slack), (name, key)
    for key in ("ks", "wasserstein"):
        if key not in expected:
            assert said[key] is None, (name, key)


def known(x: np.ndarray, y: np.ndarray) -> bool:
    """Return whether values are told: floats hold them, and no two lie in one bin of the reference's grid."""
    values = np.unique(np.concatenate([x, y]))
    if values.size < 2 or 2**53 < np.abs(values).max() < 1e20:
        return values.size < 2
    values, x = values / 8, x / 8  # differences of the largest floats overflow
    away = np.abs(values - np.median(x)) if x.size else values
    least = 1e-38 * (np.ptp(x) or 1.0) if x.size else 0.0  # of single precision, in the grid's scale
    return bool(np.all(np.diff(values) > np.maximum(2**-6 * np.maximum(away[1:], away[:-1]), least)))


def check_quantile_on(reference: np.ndarray, x: np.ndarray, found: float, name: str) -> None:
    """Check a median on the grid of the reference, whose bins are finest about its own."""
    below, above = (float(np.quantile(x, 0.5, method=method)) for method in ("lower", "higher"))
    with np.errstate(over="ignore"):
        reach = 2**-6 * max(abs(below - middle(reference)), abs(above - middle(reference)))
    assert below - reach - 1e-9 * abs(below) <= found <= above + reach + 1e-9 * abs(above), name
    assert x.min() <= found <= x.max(), name
    if np.unique(x).size <= FEW and known(x, x):
        assert found == pytest.approx(below / 2 + above / 2, rel=1e-9, abs=5e-324), name


def check_categories(old: pa.ChunkedArray, new: pa.ChunkedArray, said: Mapping[str, Any], name: str) -> None:
    before, after = tally(old), tally(new)
    if len(set(before.values())) < len(before) and len(before) > 30:
        return  # which of equal counts have a bin is told by their hashes
    top = sorted(before, key=lambda value: -before[value])[:30]

    def binned(found: dict[str, int], nulls: int) -> np.ndarray:
        mine = [found.get(value, 0) for value in top]
        return np.array([*mine, sum(found.values()) - sum(mine), nulls], float)

    a, b = binned(before, old.null_count), binned(after, new.null_count)
    for key, value in distances(a, b).items():
        assert said[key] == pytest.approx(value, rel=1e-9, abs=1e-9), (name, key)


def metric_rows(old: pa.Table, new: pa.Table) -> dict[tuple[str, str], Estimate]:
    """Return what the pipeline says of each column of a window, measured against a reference."""
    reference = outline(old.to_batches(), old.schema)
    current = outline(new.to_batches(), new.schema, reference.grids)
    found = {}
    for name, state in current.columns.items():
        past = reference.columns[name]
        frozen: Any = None
        if isinstance(past, NumericColumn):
            frozen = NumericReference.of(past)
        elif isinstance(past, CategoricalColumn):
            frozen = CategoricalReference.of(past)
        for metric, estimate in column_metrics(state, frozen, whole=True, within=False):
            found[name, metric] = estimate
    return found


@pytest.mark.parametrize(("before", "after"), [(5_000, 5_000), (5_000, 30), (30, 2)])
def test_metrics_are_those_of_the_rows(before, after):
    old, new = table(before, 3), table(after, 4)
    found = metric_rows(old, new)
    for name in numbers(1, np.random.default_rng(0)):
        x, y = finite(old[name]), finite(new[name])
        values = {metric: found[name, metric].value for _, metric in found if (name, metric) in found}
        check_moments(y, values["mean"], values["sd"], name)
        assert (values["minimum"], values["maximum"]) == (y.min(), y.max()), name
        assert values["zero_rate"] == np.mean(y == 0), name
        for metric, q in QUANTILES.items():
            exact = float(np.clip(np.quantile(y / 2, q) * 2, y.min(), y.max()))
            low, high = (float(np.quantile(y, q, method=method)) for method in ("lower", "higher"))
            with np.errstate(over="ignore"):
                reach = 2**-6 * max(abs(low - middle(x)), abs(high - middle(x))) + 1e-9 * abs(exact)
            assert low - reach <= values[metric] <= high + reach, (name, metric)
        check_distinct(np.unique(present(new[name])).size, values["distinct"], name)
        check_shape(y, values, name)
        binned = distances(*(counted(parts(x), each, 0, 0) for each in (x, y)))
        if known(x, y):
            for metric, value in binned.items():
                assert values[metric] == pytest.approx(value, rel=1e-6, abs=1e-9), (name, metric)
            top = np.unique(y, return_counts=True)[1].max()
            assert values["top_share"] == top / y.size, name


def check_shape(y: np.ndarray, values: Mapping[str, float | None], name: str) -> None:
    if y.size < 4 or not 1e-60 < np.abs(y).max() < 1e60 or np.ptp(y) == 0:
        return  # their fourth powers are no floats
    rounding = 1e-6 + 1e-14 * abs(y.mean()) / y.std()
    centred = y.astype(np.longdouble) - y.astype(np.longdouble).mean()
    second, third, fourth = (float((centred**power).mean()) for power in (2, 3, 4))
    assert values["skewness"] == pytest.approx(third / second**1.5, rel=1e-6, abs=rounding), name
    assert values["kurtosis"] == pytest.approx(fourth / second**2 - 3, rel=1e-6, abs=rounding), name


def scores(n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Forty columns of scores: those of `numbers` pressed into [0, 1], and some as models have them."""
    z = rng.normal(size=n)
    pressed = {}
    for name, values in numbers(n, rng).items():
        wide = values.astype(np.float64) / 2
        low, reach = wide.min(), np.ptp(wide)
        pressed[name] = (wide - low) / reach if reach > 0 else np.full(n, 0.5)
    return pressed | {
        "far": sigmoid(40 * z),
        "rare": sigmoid(z - 7),
        "narrow": 0.5 + 1e-5 * z,
        "ones": np.where(z > 0, 1.0, sigmoid(z)),
    }


@pytest.mark.parametrize("rows", [30, 5_000, 20_000])
def test_performance_is_that_of_the_rows(rows):
    rng = np.random.default_rng(rows)
    columns = scores(rows, rng)
    assert len(columns) >= 40
    for name, score in columns.items():
        ranks = stats.rankdata(score) / score.size
        for label in (rng.random(rows) < score, rng.random(rows) < 0.1 + 0.8 * ranks):
            if label.any() and not label.all():
                check_performance(score, label, name)


def check_performance(p: np.ndarray, y: np.ndarray, name: str) -> None:
    found = dict(performance_metrics(ScoreLabel.of(p, y, 0.5)))
    auc, exact = found["auc"], metrics.roc_auc_score(y, p)
    error = (auc.variance or 0.0) ** 0.5
    assert auc.value == pytest.approx(exact, abs=max(0.1 * error, 5e-4 if p.size > FEW else 1e-12)), name
    decided, mean, clipped = p >= 0.5, p.mean(), np.clip(p, 1e-15, 1 - 1e-15)
    bins = np.minimum((p * 10).astype(int), 9)
    values = {
        "base_rate": y.mean(),
        "log_loss": -np.log(np.where(y, clipped, 1 - clipped)).mean(),
        "brier": ((y - p) ** 2).mean(),
        "brier_excess": ((y - p) * (1 - 2 * p)).mean(),
        "slope_excess": ((y - p) * (p - mean)).mean(),
        "calibration_error": sum(abs((y - p)[bins == at].sum()) for at in range(10)) / p.size,
        "bias": (y - p).mean(),
        "accuracy": (decided == y).mean(),
        "precision": y[decided].mean() if decided.any() else None,
        "recall": decided[y].mean(),
    }
    for metric, value in values.items():
        if value is None:
            assert found[metric].value is None, (name, metric)
        else:
            assert found[metric].value == pytest.approx(value, rel=1e-9, abs=1e-12), (name, metric)


@pytest.mark.parametrize("rows", [1, 2, 30, 5_000])
def test_errors_of_values_are_those_of_the_rows(rows):
    rng = np.random.default_rng(rows)
    for name, values in numbers(rows, rng).items():
        truth = values.astype(np.float64)
        if np.abs(truth).max() > 1e150:
            continue  # their squares are no floats
        said = truth * 1.1 + rng.normal(size=rows) * (truth.std() + 1e-3)
        found = dict(performance_metrics(ErrorSums.of(said, truth)))
        error = said.astype(np.longdouble) - truth
        level = abs(float(truth.astype(np.longdouble).mean()))
        rounding = {"rel": 1e-9, "abs": 1e-12 * float(np.abs(error).max())}
        assert found["mae"].value == pytest.approx(float(np.abs(error).mean()), **rounding), name
        assert found["mean_error"].value == pytest.approx(float(error.mean()), **rounding), name
        assert found["rmse"].value == pytest.approx(float(np.sqrt((error**2).mean())), **rounding), name
        if level > 1e-3 * np.abs(truth).mean() > 0:
            wape = float(np.abs(error).mean()) / level
            assert found["wape"].value == pytest.approx(wape, rel=1e-9), name
