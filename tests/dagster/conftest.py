"""What the tests of Dagster share: an instance in memory, and installations below a temporary folder."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import dagster as dg
import pytest

from lupus_assets.declare import MonitoredModel
from tests.dagster.site import Site, small_model


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    """Return an instance of its own for each module: models of different tests have different names."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def site_of(tmp_path: Path, instance: dg.DagsterInstance) -> Callable[[Sequence[MonitoredModel]], Site]:
    """Return a function from models to a location over them, without any log yet."""
    return lambda models: Site.of(tmp_path, models, instance)


@pytest.fixture(scope="module")
def march(tmp_path_factory: pytest.TempPathFactory, instance: dg.DagsterInstance) -> Site:
    """Return an installation with one model whose first ten days are judged; tests only add to it."""
    model = small_model("march")
    site = Site.of(tmp_path_factory.mktemp("march"), [model], instance)
    site.write(model, site.windows(model, "2013-03-01", "2013-03-12"))
    assert site.run(model, ("2013-03-01", "2013-03-10")).success
    return site
