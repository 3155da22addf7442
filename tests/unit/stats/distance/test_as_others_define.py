"""Distances by other packages' definitions, against what evidently 0.7.23 and nannyml 0.13.1 print.

``python -m bench.peers.definition`` compares on more pairs with the packages themselves.
"""

from typing import Any

import numpy as np
import pytest

from lupus_assets.stats.distance import as_others_define as definition


def pairs() -> dict[str, tuple[definition.Kind, Any, Any]]:
    rng = np.random.default_rng(0)
    normal = rng.normal(0, 1, 5_000), rng.normal(0.3, 1.2, 800)
    return {
        "normal": ("continuous", *normal),
        "short": ("continuous", normal[0][:900], normal[1]),
        "long": ("continuous", rng.uniform(0, 1, 12_000), rng.normal(0.5, 0.5, 5_000)),
        "low": ("continuous", rng.lognormal(3, 1, 10_000), rng.lognormal(2, 2, 3_000)),
        "holes": (
            "continuous",
            np.where(rng.random(3_000) < 0.1, np.nan, rng.normal(0, 1, 3_000)),
            np.where(rng.random(900) < 0.2, np.nan, rng.normal(0.1, 1, 900)),
        ),
        "ages": ("continuous", rng.integers(18, 80, 3_000), rng.integers(21, 84, 1_500)),
        "counts": ("continuous", rng.poisson(3, 3_000), rng.poisson(4, 1_500)),
        "switch": ("continuous", rng.integers(0, 2, 600), rng.choice([0, 1], 500, p=[0.4, 0.6])),
        "letters": ("categorical", rng.choice([*"abc"], 700), rng.choice([*"abc"], 500, p=[0.4, 0.3, 0.3])),
        "letters_new": ("categorical", rng.choice([*"abc"], 2_000), rng.choice([*"abcd"], 500)),
        "letters_two": ("categorical", rng.choice([*"ab"], 700), rng.choice([*"ab"], 500, p=[0.45, 0.55])),
    }


PAIRS = pairs()

# What the packages printed; chi-square is Evidently's p value and NannyML's statistic.
PRINTED: list[tuple[definition.Definition, str, str, float]] = [
    ("evidently", "wasserstein", "normal", 0.29912965115660667),
    ("evidently", "psi", "normal", 0.14384027401650537),
    ("evidently", "jensen_shannon", "normal", 0.12873847810039749),
    ("evidently", "hellinger", "normal", 0.13336934611439125),
    ("evidently", "ks", "normal", 2.6308533815775777e-10),
    ("evidently", "ks", "short", 2.7211922135024136e-08),
    ("evidently", "psi", "short", 0.18513078050924484),
    ("evidently", "jensen_shannon", "short", 0.1444896574441766),
    ("evidently", "hellinger", "short", 0.1508517460319437),
    ("evidently", "wasserstein", "short", 0.3307913922507229),
    ("evidently", "wasserstein", "long", 0.5203179819111923),
    ("evidently", "psi", "long", 1.1708238630856058),
    ("evidently", "jensen_shannon", "long", 0.2726776655464996),
    ("evidently", "hellinger", "long", 0.32061177230729176),
    ("evidently", "ks", "long", 1.3436746521955547e-78),
    ("evidently", "wasserstein", "low", 1.0000438393971385),
    ("evidently", "psi", "low", 0.026575370733316773),
    ("evidently", "jensen_shannon", "low", 0.05273159273476738),
    ("evidently", "hellinger", "low", 0.0633090211652438),
    ("evidently", "ks", "low", 8.16991234316256e-242),
    ("evidently", "wasserstein", "holes", 0.17704901905365186),
    ("evidently", "psi", "holes", 0.058860034375526),
    ("evidently", "jensen_shannon", "holes", 0.0848822172499538),
    ("evidently", "hellinger", "holes", 0.08729563775923775),
    ("evidently", "ks", "holes", 8.234329182931223e-05),
    ("evidently", "wasserstein", "ages", 0.22500351568508362),
    ("evidently", "psi", "ages", 0.1831196430257423),
    ("evidently", "jensen_shannon", "ages", 0.14501244157275833),
    ("evidently", "hellinger", "ages", 0.10000043084334273),
    ("evidently", "ks", "ages", 2.295022534451001e-05),
    ("evidently", "wasserstein", "counts", 0.5373334148256427),
    ("evidently", "psi", "counts", 0.26805231328331036),
    ("evidently", "jensen_shannon", "counts", 0.17792969756890906),
    ("evidently", "hellinger", "counts", 0.1690450543787286),
    ("evidently", "ks", "counts", 5.3057534905159026e-33),
    ("evidently", "z_test", "switch", 0.018557455833930092),
    ("evidently", "psi", "switch", 0.020396420646610687),
    ("evidently", "jensen_shannon", "switch", 0.050469959831255226),
    ("evidently", "hellinger", "switch", 0.0),
    ("evidently", "wasserstein", "switch", 0.14164845821358488),
    ("evidently", "ks", "switch", 0.12490010209804397),
    ("evidently", "chi_square", "letters", 0.00016095982856670685),
    ("evidently", "psi", "letters", 0.03294531165050186),
    ("evidently", "jensen_shannon", "letters", 0.06411170182696362),
    ("evidently", "hellinger", "letters", 0.06414227825434192),
    ("evidently", "jensen_shannon", "letters_new", 0.28525331893617834),
    ("evidently", "psi", "letters_new", 1.6748935536043108),
    ("evidently", "hellinger", "letters_new", 0.33707681308665266),
    ("evidently", "chi_square", "letters_new", 0.0),
    ("evidently", "z_test", "letters_two", 0.00010466933102937226),
    ("evidently", "psi", "letters_two", 0.05195099829948452),
    ("evidently", "jensen_shannon", "letters_two", 0.08049539285736756),
    ("evidently", "hellinger", "letters_two", 0.08053993915435947),
    ("evidently", "chi_square", "letters_two", 3.827456437490991e-07),
    ("nannyml", "jensen_shannon", "normal", 0.15615953570222102),
    ("nannyml", "hellinger", "normal", 0.13596647502439194),
    ("nannyml", "wasserstein", "normal", 0.2977520123015472),
    ("nannyml", "ks", "normal", 0.128),
    ("nannyml", "jensen_shannon", "short", 0.18023509817995217),
    ("nannyml", "hellinger", "short", 0.1576020696439718),
    ("nannyml", "wasserstein", "short", 0.3221600098796942),
    ("nannyml", "ks", "short", 0.14555555555555555),
    ("nannyml", "jensen_shannon", "long", 0.42822278261327895),
    ("nannyml", "hellinger", "long", 0.41933081384375637),
    ("nannyml", "wasserstein", "long", 0.1497488817683089),
    ("nannyml", "ks", "long", 0.15903333333333333),
    ("nannyml", "jensen_shannon", "low", 0.28728668154965004),
    ("nannyml", "hellinger", "low", 0.27600312910488123),
    ("nannyml", "wasserstein", "low", 42.76486139189835),
    ("nannyml", "ks", "low", 0.3429000000000001),
    ("nannyml", "jensen_shannon", "holes", 0.11280166448508443),
    ("nannyml", "hellinger", "holes", 0.10035116634452494),
    ("nannyml", "wasserstein", "holes", 0.1790107306491019),
    ("nannyml", "ks", "holes", 0.09330339760413033),
    ("nannyml", "jensen_shannon", "ages", 0.20896083615992317),
    ("nannyml", "hellinger", "ages", 0.19849985122757496),
    ("nannyml", "wasserstein", "ages", 3.989),
    ("nannyml", "ks", "ages", 0.07533333333333334),
    ("nannyml", "jensen_shannon", "counts", 0.2137153469386126),
    ("nannyml", "hellinger", "counts", 0.18161965685690173),
    ("nannyml", "wasserstein", "counts", 0.9393333333333337),
    ("nannyml", "ks", "counts", 0.193),
    ("nannyml", "jensen_shannon", "switch", 0.06062059972387265),
    ("nannyml", "hellinger", "switch", 0.0504815216500004),
    ("nannyml", "wasserstein", "switch", 0.07066666666666666),
    ("nannyml", "ks", "switch", 0.07066666666666667),
    ("nannyml", "jensen_shannon", "letters", 0.0770060017298012),
    ("nannyml", "hellinger", "letters", 0.06414227825434148),
    ("nannyml", "chi_square", "letters", 9.658479334482577),
    ("nannyml", "l_infinity", "letters", 0.08600000000000002),
    ("nannyml", "jensen_shannon", "letters_new", 0.34262415355495196),
    ("nannyml", "hellinger", "letters_new", 0.3370768130866527),
    ("nannyml", "chi_square", "letters_new", 444.3991032419802),
    ("nannyml", "l_infinity", "letters_new", 0.21),
    ("nannyml", "jensen_shannon", "letters_two", 0.09668482016505292),
    ("nannyml", "hellinger", "letters_two", 0.08053993915435921),
    ("nannyml", "chi_square", "letters_two", 14.599066635419224),
    ("nannyml", "l_infinity", "letters_two", 0.11342857142857149),
]
DEFAULTS = {
    "normal": "wasserstein",
    "short": "ks",
    "long": "wasserstein",
    "low": "wasserstein",
    "holes": "wasserstein",
    "ages": "wasserstein",
    "counts": "wasserstein",
    "switch": "z_test",
    "letters": "chi_square",
    "letters_new": "jensen_shannon",
    "letters_two": "z_test",
}
BY_VALUE = ("psi", "jensen_shannon", "hellinger")


def number(
    package: definition.Definition, method: str, kind: definition.Kind, reference: Any, current: Any
) -> float:
    if method == "chi_square":
        both = definition.chi_square(reference, current, definition=package)
        return float(both.p if package == "evidently" else both.statistic)
    more = {"kind": kind} if method in BY_VALUE else {}
    value: float = getattr(definition, method)(reference, current, definition=package, **more)
    return value


@pytest.mark.parametrize(("package", "method", "pair", "printed"), PRINTED)
def test_the_number_is_the_one_that_the_package_prints(package, method, pair, printed):
    assert number(package, method, *PAIRS[pair]) == pytest.approx(printed, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("pair", DEFAULTS)
def test_the_default_is_the_one_that_evidently_takes(pair):
    kind, reference, current = PAIRS[pair]
    assert definition.evidently_default(reference, current, kind=kind) == DEFAULTS[pair]


def test_nannyml_measures_in_bits_what_evidently_measures_in_nats():
    kind, reference, current = PAIRS["letters"]
    nats, bits = (
        definition.jensen_shannon(reference, current, kind=kind, definition=package)
        for package in ("evidently", "nannyml")
    )
    assert bits / nats == pytest.approx(1.2011, abs=1e-4)


@pytest.mark.parametrize(
    ("package", "method"),
    dict.fromkeys((package, method) for package, method, pair, _ in PRINTED if pair == "letters"),
)
def test_missing_values_are_left_out(package, method):
    kind, reference, current = PAIRS["letters"]
    holed = [np.array([None, *side, np.nan], dtype=object) for side in (reference, current)]
    assert number(package, method, kind, *holed) == number(package, method, kind, reference, current)


def test_evidently_leaves_infinite_values_out_and_nannyml_cannot_bin_them():
    _, reference, current = PAIRS["normal"]
    infinite = np.append(reference, np.inf)
    assert definition.psi(infinite, current) == definition.psi(reference, current)
    with pytest.raises(ValueError, match="finite"):
        definition.jensen_shannon(infinite, current, definition="nannyml")


@pytest.mark.parametrize(
    ("package", "method"), dict.fromkeys((package, method) for package, method, _, _ in PRINTED)
)
def test_a_side_without_values_has_no_number(package, method):
    kind: definition.Kind = (
        "categorical" if method in ("chi_square", "z_test", "l_infinity") else "continuous"
    )
    with pytest.raises(ValueError, match="without values"):
        number(package, method, kind, np.array([np.nan, np.nan]), np.array([1.0, 2.0]))


def test_what_a_package_has_not_is_refused_by_name():
    _, reference, current = PAIRS["normal"]
    with pytest.raises(ValueError, match="nannyml has no psi; definition='evidently' has"):
        definition.psi(reference, current, definition="nannyml")
    with pytest.raises(ValueError, match="evidently has no L-infinity"):
        definition.l_infinity(reference, current, definition="evidently")
    with pytest.raises(ValueError, match="'whylogs'; give 'evidently' or 'nannyml'"):
        definition.ks(reference, current, definition="whylogs")  # type: ignore[arg-type]


def test_one_common_value_is_no_difference():
    assert definition.z_test(["a"] * 5, ["a"] * 3) == 1.0


def test_categories_as_numbers_are_as_far_apart_as_categories_as_text():
    kind, reference, current = PAIRS["letters_new"]
    codes = [np.array([ord(each) for each in side]) for side in (reference, current)]
    for package in ("evidently", "nannyml"):
        assert number(package, "jensen_shannon", kind, *codes) == pytest.approx(
            number(package, "jensen_shannon", kind, reference, current), rel=1e-12
        )


def test_nannymls_ks_of_many_rows_is_the_largest_difference_at_ten_thousand_bounds():
    """Shares below each upper bound; of the last with the bound itself."""
    rng = np.random.default_rng(8)
    before, now = rng.normal(size=10_000), rng.normal(0.1, 1.1, size=700)
    edges = np.linspace(before.min(), before.max(), 10_001)[1:]
    edges[-1] = np.nextafter(edges[-1], np.inf)
    gaps = [abs((before < edge).mean() - (now < edge).mean()) for edge in edges]
    assert definition.ks(before, now, definition="nannyml") == pytest.approx(max(gaps), abs=1e-12)
