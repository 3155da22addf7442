"""Dagit on a small model, driven as a person would: lineage, a backfill from the dialog, checks, plots."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Page, expect, sync_playwright

pytestmark = pytest.mark.browser

PROJECT = Path(__file__).parents[2]
METRICS = "/assets/shop/churn/churn_champion_metrics"
VERDICTS = "/assets/shop/churn/churn_champion_verdicts"
START, DAYS, ROWS = date(2025, 1, 1), 40, 200
DECLARATION = """
type: lupus_assets.assets.MonitoredModel
attributes:
  model: churn
  team: shop
  cadence: {every: day, start: 2025-01-01, end: 2025-02-10}
  upstream: [warehouse/orders]
  tracks:
    champion: {parquet: "churn/champion/{partition}.parquet"}
    challenger: {parquet: "churn/challenger/{partition}.parquet"}
  columns: {timestamp: ts, key: id, prediction: {score: p}, label: y}
  reference: {from: 2025-01-01, to: 2025-01-10}
  compare: [{old: champion, new: challenger}]
"""


def write_logs(root: Path) -> None:
    """Write forty days of two tracks; on the 35th day the column `basket` is lost."""
    rng = np.random.default_rng(7)
    for offset in range(DAYS):
        day = START + timedelta(days=offset)
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        score = rng.uniform(size=ROWS)
        columns: dict[str, Any] = {
            "ts": [noon] * ROWS,
            "id": [f"{day}/{row}" for row in range(ROWS)],
            "basket": [None] * ROWS if offset == 34 else rng.gamma(2.0, 20.0, ROWS).tolist(),
            "y": (rng.uniform(size=ROWS) < score).astype(int).tolist(),
        }
        schema = pa.schema(
            {"ts": pa.timestamp("us", "UTC"), "id": pa.string(), "basket": pa.float64(), "y": pa.int8()}
        )
        for track, p in (("champion", score), ("challenger", np.clip(score * 0.9, 0, 1))):
            target = root / "churn" / track / f"{day}.parquet"
            target.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.table(columns, schema=schema).append_column("p", pa.array(p)), target)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start Dagit and the daemon over a project of one model; end both and all they started."""
    project = tmp_path_factory.mktemp("project")
    for name in ("pyproject.toml", "workspace.yaml"):
        shutil.copy(PROJECT / name, project / name)
    model = project / "definitions" / "shop" / "churn"
    model.mkdir(parents=True)
    for name in ("__init__.py", "location.py"):
        shutil.copy(PROJECT / "definitions" / name, project / "definitions" / name)
    (model / "defs.yaml").write_text(DECLARATION)
    home = project / ".lupus"
    (home / "dagster").mkdir(parents=True)
    shutil.copy(PROJECT / "resources" / "dagster.yaml", home / "dagster" / "dagster.yaml")
    write_logs(home / "data")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "LUPUS_HOME": str(home), "DAGSTER_HOME": str(home / "dagster")}
    log = (project / "server.log").open("w")
    process = subprocess.Popen(
        [sys.executable, "-m", "lupus_assets.server", "--port", str(port)],
        cwd=project, env=environment, stdout=log, stderr=subprocess.STDOUT,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        wait(lambda: process.poll() is not None or ask(url, "{version}") is not None, 90, "Dagit to answer")
        assert process.poll() is None, Path(log.name).read_text()[-3000:]
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=40)
        log.close()


def ask(url: str, query: str) -> dict[str, Any] | None:
    """Return the data of a GraphQL query; None while nobody answers."""
    request = urllib.request.Request(
        f"{url}/graphql", json.dumps({"query": query}).encode(), {"content-type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return dict(json.load(response)["data"])
    except OSError:
        return None


def wait(done: Any, seconds: float, what: str) -> None:
    """Wait until `done` returns true."""
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until, f"waited {seconds:.0f} s for {what}"
        time.sleep(1)


@pytest.fixture(scope="module")
def page(address: str) -> Iterator[Page]:
    """Open a page of Debian's Chromium."""
    browser_path = next(
        path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browser_path,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
        )
        page = browser.new_page(viewport={"width": 1600, "height": 1000}, base_url=address)
        page.set_default_timeout(30_000)
        yield page
        browser.close()


def test_lineage_runs_from_the_source_tables_to_the_comparison(page: Page) -> None:
    page.goto("/locations/lupus/asset-groups/shop_churn/lineage")
    for name in ("orders", "churn_champion_log", "churn_reference", "churn_champion_metrics"):
        expect(page.get_by_text(name, exact=True).first).to_be_visible()
    expect(page.get_by_text("vs_challenger").first).to_be_visible()


def test_a_backfill_over_thirty_days_from_the_dialog_finishes_green(page: Page, address: str) -> None:
    page.goto("/locations/lupus/asset-groups/shop_churn/lineage")
    page.get_by_role("button", name="Materialize all").click()
    page.get_by_placeholder("ex: 2025").fill("[2025-01-08...2025-02-06]")
    page.keyboard.press("Enter")
    expect(page.get_by_text("30 partitions", exact=True)).to_be_visible()
    page.get_by_role("button", name="Launch backfill").click()

    def status() -> str:
        answer = ask(
            address, "{partitionBackfillsOrError{... on PartitionBackfills{results{status numPartitions}}}}"
        )
        found = answer["partitionBackfillsOrError"]["results"] if answer else []
        return str(found[0]["status"]) if found else "none"

    wait(lambda: status() not in ("none", "REQUESTED"), 300, "the backfill to end")
    assert status() == "COMPLETED_SUCCESS"


def test_every_partition_shows_its_own_check_results(page: Page) -> None:
    page.goto(f"{VERDICTS}?view=checks")
    page.get_by_text("completeness", exact=True).first.click()
    page.get_by_text("Partitions", exact=True).nth(1).click()
    expect(page.get_by_text("Passed (29)")).to_be_visible()
    expect(page.get_by_text("Failed (1)", exact=True)).to_be_visible()
    page.get_by_text("2025-02-04", exact=True).locator("visible=true").first.click()
    expect(page.get_by_text("is null in all 200 rows").first).to_be_visible()


def test_a_model_that_is_well_today_looks_well_in_lists_and_lineage(page: Page, address: str) -> None:
    """Of the thirty partitions one failed, and not the newest: the list of checks is about the newest."""
    answer = ask(
        address,
        "query AssetChecksQuery"
        '{assetNodeOrError(assetKey: {path: ["shop", "churn", "churn_champion_verdicts"]})'
        "{... on AssetNode{assetChecksOrError{... on AssetChecks{checks{name partitionStatuses"
        "{... on AssetCheckTimePartitionStatuses{ranges{endKey status}}}}}}}}}",
    )
    checks = answer["assetNodeOrError"]["assetChecksOrError"]["checks"] if answer else []
    found = {each["name"]: each["partitionStatuses"]["ranges"] for each in checks}
    assert found["completeness"] == [{"endKey": "2025-02-06", "status": "SUCCEEDED"}]
    page.goto(f"{VERDICTS}?view=checks")
    expect(page.get_by_text("Succeeded", exact=True)).to_have_count(len(checks))
    expect(page.get_by_text("Failed", exact=True)).to_have_count(0)


def test_a_failed_check_leads_to_the_whole_history_of_what_is_wrong(page: Page) -> None:
    complaints: list[str] = []
    page.goto(f"{VERDICTS}?view=checks")
    page.get_by_text("completeness", exact=True).first.click()
    page.get_by_text("Partitions", exact=True).nth(1).click()
    page.get_by_text("2025-02-04", exact=True).locator("visible=true").first.click()
    with page.expect_popup() as opened:
        page.locator("a[href^='/lupus/history/shop/churn/champion?']").first.click()
    history = opened.value
    history.on("console", lambda message: complaints.append(message.text))
    history.reload()
    expect(history.get_by_role("heading", name="share of null basket")).to_be_visible()
    expect(history.get_by_text("28 partitions, 2025-01-08 to 2025-02-04, 1 with an alarm")).to_be_visible()
    expect(history.locator(".alarm title")).to_have_text("2025-02-04\n`basket` is null in all 200 rows")
    expect(history.locator(".alarm circle")).to_be_visible()
    assert complaints == []  # the page keeps to its own Content-Security-Policy
    history.close()


def test_numbers_are_plotted_by_partition_although_the_history_has_ended(page: Page) -> None:
    page.goto(f"{METRICS}?view=overview")
    page.get_by_text("Plots", exact=True).first.click()
    expect(page.get_by_text("auc", exact=True).first).to_be_visible()
    expect(page.locator("canvas").first).to_be_visible()
    expect(page.get_by_text("Asset plots are automatically generated")).to_have_count(0)
