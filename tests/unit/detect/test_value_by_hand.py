"""Values are judged as a plain program for one series would: lists instead of rings, one number at a time."""

import itertools
import math
from statistics import median

import numpy as np
import pytest

from lupus_assets.detect.detector import replay
from lupus_assets.detect.history import Role
from lupus_assets.detect.value import Residuals
from tests.unit.detect.test_detector import WARM, history, series

DAYS = 170
NAN = math.nan


def known(numbers: list[float]) -> list[float]:
    return [number for number in numbers if not math.isnan(number)]


def average(numbers: list[float]) -> float:
    there = known(numbers)
    return sum(there) / len(there) if there else NAN


def least(*numbers: float) -> float:
    return min(known(list(numbers)), default=NAN)


class Plain:
    """One series; what it holds is of all its partitions, oldest first.

    At least the part `calm` of the sampling variance is believed, and `flat` is the least scale.
    """

    def __init__(self, first: list[float], calm: float, flat: float) -> None:
        self.calm, self.flat = calm, flat
        begin = known(first)
        self.bank = [median(begin) if begin else 0.0] * 4
        self.errors = [0.0] * 4
        self.weight = 0.0
        self.rest: list[float] = []
        self.steady: list[float] = []
        self.variance: list[float] = []
        self.levels: list[float] = []
        self.kept: dict[int, list[float]] = {1: [], 3: [], 14: []}
        self.noise: dict[int, list[float]] = {1: [], 3: [], 14: []}
        self.far_ago: dict[int, float] = {1: math.inf, 3: math.inf, 14: math.inf}
        self.usual = NAN
        self.run, self.sign = 0, 0.0

    def step(self, value: float, variance: float) -> dict[int, tuple[float, float, float]]:
        """Return z, scale and gap by window."""
        pace = (0.03, 0.1, 0.25, 0.6)[self.errors.index(min(self.errors))]
        level = self.bank[self.errors.index(min(self.errors))]
        self.rest.append(value)
        self.variance.append(variance)
        self.levels.append(level)
        # An average of pace a has a/(2 - a) of one partition's variance; a mean of k has 1/k.
        young = max(1 / (self.weight + 2) - pace / (2 - pace), 0.0)
        found, calm, scale_of_one = {}, NAN, NAN
        for window in (1, 3, 14):
            if len(self.rest) < window:
                found[window] = (NAN, NAN, NAN)
                self.kept[window].append(NAN)
                self.noise[window].append(NAN)
                continue
            series = self.rest if window == 1 else self.steady
            gap = average(series[-window:]) - self.levels[-window]
            sampling = average(self.variance[-window:]) / window
            usual = average(self.noise[window][-60:])
            earlier = self.kept[window][: len(self.kept[window]) - window + 1][-60:]
            z = scale = NAN
            clipped = kept = gap
            if len(earlier) >= 14:
                sizes = sorted(abs(number) for number in known(earlier))
                if sizes:
                    middle = sizes[min(len(sizes) // 2, len(earlier) - 1)]
                    tail = sizes[math.ceil(0.95 * len(sizes)) - 1]
                    spread = max(1.4826 * middle, tail / 1.959964)
                else:
                    spread = NAN
                own = spread**2
                ratio = min(own / max(usual, 1e-12), 1.0)
                if window == 1:
                    calm = max(ratio, self.calm)
                    self.usual = math.sqrt(max(own, usual) + self.flat**2)
                square = own - usual + sampling if own > usual else sampling * max(ratio, calm)
                square += self.flat**2
                square += (square if window == 1 else scale_of_one**2) * young
                scale = math.sqrt(square + 1e-12)
                z = gap / scale
                if len(sizes) >= 14 and not math.isnan(scale) and not math.isnan(gap):
                    clipped = min(max(gap, -4 * scale), 4 * scale)
                far = abs(z) > 3.5
                kept = NAN if far and self.far_ago[window] <= 3 else clipped
                self.far_ago[window] = 1.0 if far else self.far_ago[window] + 1
            if window == 1:
                scale_of_one = scale
                self.steady.append(level + clipped)
            self.kept[window].append(kept)
            self.noise[window].append(least(sampling, 4 * usual))
            found[window] = (z, scale, gap)
        self.learn(value, level, least(scale_of_one, self.usual))
        return found

    def learn(self, value: float, level: float, scale: float) -> None:
        """Move the levels towards a value, by three scales of one partition at most."""
        reach = math.inf if math.isnan(scale) else scale
        for at in range(4):
            innovation = 0.0 if math.isnan(value) else value - self.bank[at]
            self.errors[at] = 0.985 * self.errors[at] + min(abs(innovation), min(4 * reach, 1e9))
            pace = max((0.03, 0.1, 0.25, 0.6)[at], 1 / (self.weight + 2))
            self.bank[at] += pace * min(max(innovation, -3 * reach), 3 * reach)
        self.weight += not math.isnan(value)
        z = 0.0 if math.isnan(value) else (value - level) / reach
        self.run = (self.run + 1 if np.sign(z) == self.sign else 1) if abs(z) > 3.5 else 0
        self.sign = np.sign(z)
        if self.run >= 6:
            self.bank = [median(known(self.rest[-6:]))] * 4
            self.run = 0


def by_hand(values: np.ndarray, variances: np.ndarray, *, rows: bool) -> np.ndarray:
    """Return z, scale and gap, shape (partitions, windows, 3); numbers of rows may be calmer."""
    calm, flat = (0.004, 0.02) if rows else (0.25, 1e-4)
    plain, found = Plain(values[:14].tolist(), calm, flat), []
    for at, (value, variance) in enumerate(zip(values.tolist(), variances.tolist(), strict=True)):
        judged = plain.step(value, variance)
        found.append([judged[window] for window in (1, 3, 14)])
        if at == WARM - 1:
            plain.weight = 60.0  # the reference is over: its level is well known
        if at == WARM + 13 and abs(judged[14][0]) > 2.5:  # a fortnight later: unless it lies elsewhere
            plain.bank, plain.weight = [median(known(plain.rest[-14:]))] * 4, 14.0
    return np.array(found)


def draw(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=DAYS)


def stormy() -> np.ndarray:
    values = draw(1)
    values[[70, 71, 73, 100, 104, 130, 138]] += [30, -40, 25, 9, 9, 300, -12]
    return values


def moved() -> np.ndarray:
    values = draw(2)
    values[80:110] += 12
    values[110:] -= 7
    return values


def gone_elsewhere() -> np.ndarray:
    values = draw(3)
    values[WARM:] += 1.8
    return values


def with_gaps() -> np.ndarray:
    values = draw(4)
    values[[0, 5, 61, 62, 90, 91, 92, 140]] = NAN
    values[20:32] = NAN
    return values


def rarely_there() -> np.ndarray:
    values = np.full(DAYS, NAN)
    values[::9] = draw(5)[::9]
    values[150:] = draw(5)[150:] + 3
    return values


CASES = {
    "noise": draw(0),
    "a slow rise": draw(0) + 0.05 * np.arange(DAYS),
    "storms": stormy(),
    "levels": moved(),
    "elsewhere": gone_elsewhere(),
    "gaps": with_gaps(),
    "rarely there": rarely_there(),
    "mostly quiet": np.where(np.arange(DAYS) % 9 == 0, draw(6), 0.0),
    "far from 0": 100 + 0.01 * draw(7),
}
SCENES = list(itertools.product(CASES, [0.0, 0.3, 1.0, 16.0], [False, True]))


def variances_of(case: str, variance: float) -> np.ndarray:
    variances = np.full(DAYS, variance)
    variances[[30, 64, 99, 123]] *= 30  # days of few rows
    return np.where(np.isnan(CASES[case]), NAN, variances)


@pytest.fixture(scope="module")
def judged() -> list[Residuals]:
    """Return what is judged of every scene, all at once: no series depends on another."""
    values = np.stack([CASES[case] for case, _, _ in SCENES], axis=1)
    roles = np.array([Role.ROWS if rows else Role.MARGINAL for _, _, rows in SCENES])
    of = series(list(range(len(SCENES))), role=roles)
    given = history(values, of, phases=np.zeros((DAYS, 0), np.int64))
    given.variance[:] = np.stack([variances_of(case, variance) for case, variance, _ in SCENES], axis=1)
    return [each.values for each in replay(given, (1.0,))]


@pytest.mark.parametrize(
    ("at", "case", "variance", "rows"), [(at, *scene) for at, scene in enumerate(SCENES)]
)
def test_each_partition_is_judged_as_by_hand(judged, at, case, variance, rows):
    expected = by_hand(CASES[case], variances_of(case, variance), rows=rows)
    for place, name in enumerate(("z", "scale", "gap")):
        found = np.array([getattr(each, name)[:, at] for each in judged])
        np.testing.assert_allclose(found, expected[:, :, place], rtol=1e-7, atol=1e-8, err_msg=name)
