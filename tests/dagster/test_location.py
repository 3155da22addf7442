"""A location: every declaration by itself, with lineage, owners, tags, kinds and freshness."""

import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest
import yaml

from lupus_assets.assets import MonitoredModel, definitions_of, load_location
from lupus_assets.assets.arrival import arrival_sensor
from lupus_assets.assets.key import comparison_key, log_key, reference_key, step_key, upstream_key
from lupus_assets.assets.scaffold import DeclarationScaffolder, declaration
from lupus_assets.cli import main
from lupus_assets.declare import load
from tests.dagster.site import resources_of

TYPE = "lupus_assets.assets.MonitoredModel"

DECLARED: dict[str, object] = {
    "model": "score",
    "team": "shop",
    "owners": ["shop@example.com"],
    "cadence": {"every": "day", "start": "2013-03-01", "grace": "6h"},
    "upstream": ["warehouse/orders"],
    "tracks": {
        "champion": {"parquet": "score/champion/{partition}.parquet"},
        "challenger": {"function": "shop.log:rows"},
    },
    "columns": {"timestamp": "at", "key": "id", "prediction": {"score": "p"}, "label": "bought"},
    "compare": [{"old": "champion", "new": "challenger"}],
}


@pytest.fixture
def project(tmp_path: Path) -> Callable[[Mapping[str, object]], Path]:
    """Return a function that writes a project with declarations by folder; text stands as it is."""

    def write(declarations: Mapping[str, object]) -> Path:
        root = tmp_path / "declared"
        root.mkdir()
        for folder, attributes in declarations.items():
            (root / folder).mkdir(parents=True)
            text = attributes if isinstance(attributes, str) else yaml.safe_dump(
                {"type": TYPE, "attributes": attributes}, sort_keys=False
            )  # fmt: skip
            (root / folder / "defs.yaml").write_text(text)
        return root

    return write


def load_project(root: Path) -> dg.Definitions:
    return load_location(root.parent, root, resources_of(root.parent))


def keys_of(location: dg.Definitions) -> set[dg.AssetKey]:
    return set(location.resolve_asset_graph().get_all_asset_keys())


@pytest.fixture
def location(project) -> dg.Definitions:
    return load_project(project({"shop/score": DECLARED}))


MODEL = MonitoredModel.get_model_cls().model_validate(DECLARED)


def test_lineage_goes_from_upstream_tables_over_logs_to_verdicts_and_comparison(location):
    graph = location.resolve_asset_graph()

    def parents(key: dg.AssetKey) -> set[dg.AssetKey]:
        return set(graph.get(key).parent_keys)

    upstream, reference = upstream_key("warehouse/orders"), reference_key(MODEL)
    assert parents(upstream) == set()
    logs = {log_key(MODEL, track) for track in MODEL.tracks}
    for track in MODEL.tracks:
        log = log_key(MODEL, track)
        assert parents(log) == {upstream}
        assert parents(step_key(MODEL, track, "profile")) == {log, reference}
        assert parents(step_key(MODEL, track, "metrics")) == {step_key(MODEL, track, "profile")}
        assert parents(step_key(MODEL, track, "verdicts")) == {step_key(MODEL, track, "metrics")}
    assert parents(reference) == logs
    assert parents(comparison_key(MODEL, "champion", "challenger")) == {*logs, reference}
    assert graph.get(upstream).is_external
    assert all(graph.get(log).is_external for log in logs)


def test_every_asset_of_a_model_has_owners_a_group_tags_and_kinds(location):
    graph = location.resolve_asset_graph()
    for key in keys_of(location) - {upstream_key("warehouse/orders")}:
        node = graph.get(key)
        assert node.owners == ["team:shop", "shop@example.com"], key
        assert node.group_name == "shop_score", key
        assert node.tags["lupus/cadence"] == "day", key
        assert node.kinds in ({"parquet"}, {"python"}), key
    assert graph.get(step_key(MODEL, "challenger", "metrics")).tags["lupus/track"] == "challenger"
    assert graph.get(log_key(MODEL, "challenger")).kinds == {"python"}


def test_metrics_of_an_open_history_are_fresh_for_two_periods_and_the_grace(location, project):
    def policies(location: dg.Definitions) -> dict[str, dg.FreshnessPolicy]:
        graph = location.resolve_asset_graph()
        found = {key.path[-1]: graph.get(key).freshness_policy for key in keys_of(location)}
        return {name: policy for name, policy in found.items() if policy is not None}

    found = policies(location)
    assert set(found) == {"score_champion_metrics", "score_challenger_metrics"}
    assert found["score_champion_metrics"] == dg.FreshnessPolicy.time_window(
        fail_window=timedelta(days=2, hours=6), warn_window=timedelta(days=1, hours=18)
    )
    closed = DECLARED | {"cadence": {"every": "day", "start": "2013-03-01", "end": "2013-06-01"}}
    model = MonitoredModel.get_model_cls().model_validate(closed)
    merged = dg.Definitions.merge(definitions_of(model), dg.Definitions(resources=resources_of(Path())))
    assert policies(merged) == {}


def test_every_asset_of_a_model_links_to_the_file_that_declares_it(location, tmp_path):
    graph = location.resolve_asset_graph()
    for key in keys_of(location) - {upstream_key("warehouse/orders")}:
        (source,) = graph.get(key).metadata["dagster/code_references"].code_references
        assert source.file_path == str(tmp_path / "declared" / "shop" / "score" / "defs.yaml")


def test_a_model_declared_in_python_gives_the_same_assets_as_in_a_file(location, tmp_path):
    in_python = load_location(tmp_path, tmp_path / "none", resources_of(tmp_path), [MODEL])
    assert keys_of(in_python) == keys_of(location)
    first, second = (each.resolve_asset_graph() for each in (in_python, location))
    assert first.asset_check_keys == second.asset_check_keys
    for key in keys_of(location):
        for what in ("parent_keys", "owners", "tags", "kinds", "group_name", "description", "partitions_def"):
            assert getattr(first.get(key), what) == getattr(second.get(key), what), (key, what)


BROKEN = {
    "attributes missing": f"type: {TYPE}\n",
    "empty": "",
    "binary": "\0\1",
    "too deep": "[" * 5_000,
    "list": "- a",
    "no type": yaml.safe_dump({"attributes": DECLARED | {"model": "other"}}),
    "syntax": f"type: {TYPE}\nattributes: {{model: [\n",
    "unknown key": DECLARED | {"model": "other", "tracs": {}},
    "duplicate": DECLARED,
    # An address that mail knows and Dagster does not.
    "refused by Dagster": DECLARED | {"model": "other", "owners": ["ml@example.technology"]},
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_declaration_is_a_failing_check_and_leaves_the_others_working(project, instance, kind):
    root = project({"shop/a_score": DECLARED, "shop/b broken-one": BROKEN[kind]})
    location = load_project(root)
    assert step_key(MODEL, "champion", "verdicts") in keys_of(location)
    key = dg.AssetKey(["shop", "b_broken_one", "b_broken_one_declaration"])
    assert key in keys_of(location)
    job = dg.define_asset_job("broken", dg.AssetSelection.checks_for_assets(key))
    result = (
        dg.Definitions.merge(location, dg.Definitions(jobs=[job]))
        .resolve_job_def("broken")
        .execute_in_process(instance=instance)
    )
    (said,) = result.get_asset_check_evaluations()
    assert (said.passed, said.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert "1 mistake: declared/shop/b broken-one/defs.yaml:" in (said.description or "")


def test_the_sensor_reports_a_broken_declaration_without_a_run_until_it_changes(project, instance):
    location = load_project(project({"shop/score": DECLARED, "shop/wrong": DECLARED | {"model": "Wrong!"}}))
    sensor = location.get_repository_def().get_sensor_def("arrival")
    key = dg.AssetCheckKey(dg.AssetKey(["shop", "wrong", "wrong_declaration"]), "declaration")
    cursor = None
    for _ in range(2):
        with dg.build_sensor_context(
            instance=instance,
            cursor=cursor,
            repository_def=location.get_repository_def(),
            resources=resources_of(Path("nowhere")),
        ) as context:
            cursor = sensor.evaluate_tick(context).cursor
        (record,) = instance.event_log_storage.get_asset_check_execution_history(key, limit=10)
        said = record.event.dagster_event.event_specific_data
        assert not said.passed
        assert "'Wrong!' is not made of a-z, 0-9 and _ only, write wrong" in said.description


def test_an_upstream_table_that_is_another_models_log_stays_one_asset(project):
    chained = DECLARED | {"model": "second", "upstream": ["shop/score/score_champion_log"]}
    location = load_project(project({"shop/score": DECLARED, "shop/second": chained}))
    log = log_key(MODEL, "champion")
    graph = location.resolve_asset_graph()
    assert set(graph.get(log).parent_keys) == {upstream_key("warehouse/orders")}
    assert dg.AssetKey(["shop", "second", "second_champion_log"]) in graph.get(log).child_keys


def test_a_location_without_any_declaration_loads(tmp_path):
    location = load_location(tmp_path, tmp_path, resources_of(tmp_path))
    assert keys_of(location) == set()
    assert arrival_sensor([], {}).name == "arrival"


def test_a_scaffolded_declaration_has_no_mistakes_and_loads(project, capsys):
    root = project({})
    folder = root / "Credit Risk" / "default-12m"
    folder.mkdir(parents=True)
    DeclarationScaffolder().scaffold(
        dg.ScaffoldRequest(
            type_name=TYPE, target_path=folder, scaffold_format="yaml", project_root=root.parent, params=None
        )
    )
    assert main(["check", str(folder / "defs.yaml")]) == 0
    assert "no mistakes" in capsys.readouterr().err
    model = load(folder / "defs.yaml")
    assert model.key == "credit_risk/default_12m"
    location = load_project(root)
    assert step_key(model, "champion", "verdicts") in keys_of(location)
    assert not [key for key in keys_of(location) if key.path[-1].endswith("_declaration")]


def test_every_commented_line_of_a_scaffold_may_be_used(tmp_path):
    text = declaration(Path("shop/score"), TYPE, date(2013, 5, 17))
    used = re.sub(r"^( *)# (\w+: [\[{])", r"\1\2", text, flags=re.MULTILINE)
    (tmp_path / "defs.yaml").write_text(used)
    model = load(tmp_path / "defs.yaml")
    assert used.count("#") < text.count("#")
    assert model.segments == ("country",)
    assert model.upstream == ("warehouse/table",)
    assert model.columns.label is not None
    assert model.reference is not None


def test_a_scaffold_is_one_file_in_a_new_folder(tmp_path):
    for wrong in (
        {"append": True, "scaffold_format": "yaml"},
        {"append": False, "scaffold_format": "python"},
    ):
        request = dg.ScaffoldRequest(
            type_name=TYPE, target_path=tmp_path, project_root=tmp_path, params=None, **wrong
        )
        with pytest.raises(ValueError, match="give a new folder"):
            DeclarationScaffolder().scaffold(request)


HOSTILE = {
    "deep": f"type: {TYPE}\nattributes: {'[' * 5_000}",
    "bomb": f"type: {TYPE}\na: &a [x]\n"
    + "".join(f"a{n}: &a{n} [{'*a' + str(n - 1 or '')}]\n" for n in range(1, 9)),
    "tag": f"type: {TYPE}\nattributes: !!bool maybe",
    "half": f'type: {TYPE}\nattributes: {{model: "\\ud800"}}',
    "late": DECLARED | {"cadence": {"every": "day", "start": "9999-12-01"}},
    "long": DECLARED
    | {"columns": DECLARED["columns"] | {"label": {"column": "y", "arrives_within": "999999999d"}}},
    "never": DECLARED | {"cadence": {"every": "0 0 29 2 0#1", "start": "2013-03-01"}},
    "often": DECLARED | {"cadence": {"every": "* * * * *", "start": "2013-03-01"}},
    "circle": DECLARED | {"model": "circle", "upstream": ["shop/circle/circle_champion_verdicts"]},
    "joined": DECLARED | {"model": "a__b"},
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_declaration_takes_the_others_down(project, kind):
    location = load_project(project({"bad": HOSTILE[kind], "shop/score": DECLARED | {"model": "good"}}))
    location.get_repository_def().load_all_definitions()
    keys = keys_of(location)
    assert dg.AssetKey(["bad", "bad_declaration"]) in keys
    assert dg.AssetKey(["shop", "good", "good_champion_verdicts"]) in keys
