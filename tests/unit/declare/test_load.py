"""Files are found, read and reported: whatever is in them is data or a mistake, and never a crash."""

import subprocess
import sys

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lupus_assets.declare import find, load, load_all
from lupus_assets.declare.document import Document
from lupus_assets.errors import DeclarationError
from tests.unit.declare.text import GOOD, mistakes, swapped, write


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1: YAML: is empty, start with `type: lupus_assets.assets.MonitoredModel` and `attributes:`"),
        ("- a", "1: YAML: is not a mapping, "
            "start with `type: lupus_assets.assets.MonitoredModel` and `attributes:`"),
        ("type: lupus_assets.assets.MonitoredModel",
            "1: attributes: is missing, write the declaration below `attributes:`"),
        ("type: lupus_assets.assets.MonitoredModel\nattributes: x",
            "2: attributes: is not a mapping, write the declaration below `attributes:`"),
        ("a: b: c", "1: YAML: mapping values are not allowed here, "
            "quote text that holds ': ', and check the indentation"),
        ("a:\n\tb: c", "2: YAML: found character '\\t' that cannot start any token, indent with spaces"),
        ("a: [b\nc: d", "2: YAML: expected ',' or ']', but got ':', "
            "check indentation, quotes and brackets here and on the line above"),
        ("a: !secret b", "1: YAML: could not determine a constructor for the tag '!secret', "
            "check indentation, quotes and brackets here and on the line above"),
        ("a: b\n---\nc: d", "2: YAML: there is a second document, write one declaration per file"),
        ("a: b\nc: \x07", "2: YAML: the character '\\x07' may not be in YAML, remove it"),
    ],
)  # fmt: skip
def test_broken_yaml_is_one_mistake_on_its_line(tmp_path, text, expected):
    assert mistakes(tmp_path, text) == [f"defs.yaml:{expected}"]


def test_a_value_that_refers_to_itself_is_a_mistake(tmp_path):
    text = swapped("segments: [origin]", "segments: &a [origin, *a]")
    assert "defs.yaml:17: segments[1]: refers to itself, write it out" in mistakes(tmp_path, text)


def test_a_merged_key_may_be_replaced_but_not_doubled():
    document = Document.parse("a: &a {x: 1, y: 2}\nb: {<<: *a, x: 3}\nc: {<<: *a, x: 4}\n")
    assert document.data == {"a": {"x": 1, "y": 2}, "b": {"x": 3, "y": 2}, "c": {"x": 4, "y": 2}}
    assert document.mistakes == []


@given(st.text(alphabet="ab:-[]{}&*!|>'\"#\n\t 0?<,", max_size=40))
def test_any_text_is_data_or_a_mistake(text):
    document = Document.parse(text)
    assert all(document.line(mistake.path) >= 1 for mistake in document.mistakes)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates()
NAMES = st.sampled_from(
    ["model", "cadence", "every", "start", "columns", "prediction", "score", "label", "column", "features",
     "numeric", "rules", "metric", "compare", "old", "new", "tracks", "groups", "segments",
     "reference", "from"]
)  # fmt: skip
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4)
)


@given(st.dictionaries(NAMES, VALUES, min_size=1))
def test_wrong_shapes_are_mistakes_and_never_crashes(tmp_path_factory, attributes):
    text = yaml.safe_dump({"type": "lupus_assets.assets.MonitoredModel", "attributes": attributes})
    path = write(tmp_path_factory.getbasetemp(), text)
    with pytest.raises(DeclarationError) as caught:
        load(path)
    assert all(problem.what and problem.remedy for problem in caught.value.problems)


def test_a_missing_file_is_a_declaration_error(tmp_path):
    with pytest.raises(
        DeclarationError, match=r"cannot be read \(No such file or directory\), check the path"
    ):
        load(tmp_path / "nowhere.yaml")


def test_a_file_in_another_encoding_is_a_declaration_error(tmp_path):
    (tmp_path / "defs.yaml").write_bytes(b"model: caf\xe9")
    with pytest.raises(DeclarationError, match="is not UTF-8 at byte 10, save it as UTF-8"):
        load(tmp_path / "defs.yaml")


def test_find_gives_monitored_models_and_broken_files_that_mention_them(tmp_path):
    second = write(tmp_path, GOOD, "b/defs.yaml")
    broken = write(tmp_path, GOOD + "  : [", "a/defs.yaml")
    write(tmp_path, "type: dagster.DefsFolder\n# not a lupus_assets.assets.MonitoredModel", "c/defs.yaml")
    write(tmp_path, GOOD, "d/other.yaml")
    assert find(tmp_path) == [broken, second]
    assert find(str(second)) == [second]


@pytest.mark.parametrize("kind", ["assets.MonitoredMdel", "asets.MonitoredModel", "MonitoredModel"])
@pytest.mark.parametrize("after", ["", "  : ["])
def test_a_misspelt_type_of_lupus_is_found_and_reported(tmp_path, kind, after):
    path = write(tmp_path, swapped("assets.MonitoredModel", kind) + after, "a/defs.yaml")
    models, errors = load_all(find(tmp_path))
    assert (models, list(errors)) == ({}, [path])
    if not after:
        assert str(errors[path]) == (
            f"{path}:1: type: is 'lupus_assets.{kind}', which is no monitored model, "
            "did you mean lupus_assets.assets.MonitoredModel?"
        )


@pytest.mark.parametrize(
    "text",
    [
        "type: dagster.DefsFolder\nattributes: {a: lupus_assets.x}",
        "---\ntype: dagster.DefsFolder  # no lupus.x\n---\ntype: .local.Component\nattributes: !x b",
        "requirements: {env: [A]}\ntype: 'acme.Component'\nattributes: {a: {{ env.A }}}",
    ],
)
def test_what_is_plainly_another_components_is_not_found(tmp_path, text):
    write(tmp_path, text, "a/defs.yaml")
    assert find(tmp_path) == []


NOBODYS = {
    "empty": (b"", "1: YAML: is empty"),
    "blank": (b"# later\n", "1: YAML: is empty"),
    "binary": (bytes(range(32)), "1: YAML: the character '\\x00' may not be in YAML, remove it"),
    "UTF-16": (GOOD.encode("utf-16"), "1: file: is not UTF-8 at byte 0, save it as UTF-8"),
    "list": (b"- type: dagster.DefsFolder", "1: YAML: is not a mapping"),
    "text": (b"dagster.DefsFolder", "1: YAML: is not a mapping"),
    "deep": (b"a: " + b"[" * 5_000, "1: YAML: is nested too deeply"),
    "broken": (b"type: dagster.DefsFolder\nattributes: [", "2: YAML: "),
    "without type": (GOOD.partition("\n")[2].encode(), "1: type: is missing"),
    "empty type": (b"type:\nattributes: {}", "1: type: is None, which is no monitored model"),
    "type of no module": (
        b"type: MonitoredModel",
        "1: type: is 'MonitoredModel', which is no monitored model",
    ),
    "misspelt package": (
        b"type: Lupus_asets.assets.MonitoredModel",
        "1: type: is 'Lupus_asets.assets.Monito",
    ),
    "second without type": (b"type: dagster.A\n---\na: 1", "2: YAML: there is a second document"),
    "large": (b"type: dagster.A\n" + b"#" * 1_000_000, "1: file: cannot be read (larger than 1 MB)"),
}


@pytest.mark.parametrize("kind", NOBODYS)
def test_what_is_nobodys_plainly_is_a_mistake_and_not_passed_over(tmp_path, kind):
    data, said = NOBODYS[kind]
    good, bad = write(tmp_path, GOOD, "a/defs.yaml"), write(tmp_path, "", "b/defs.yaml")
    bad.write_bytes(data)
    models, errors = load_all(find(tmp_path))
    assert (list(models), list(errors)) == ([good], [bad])
    assert f"{bad}:{said}" in str(errors[bad])


def test_a_link_to_nothing_is_a_mistake_and_a_folder_is_no_file(tmp_path):
    (tmp_path / "defs.yaml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "a" / "defs.yaml").mkdir(parents=True)
    _, errors = load_all(find(tmp_path))
    assert list(errors) == [tmp_path / "defs.yaml"]
    assert "No such file" in str(errors[tmp_path / "defs.yaml"])


def test_one_broken_file_leaves_the_others_loaded(tmp_path):
    broken = write(tmp_path, "a: [", "a.yaml")
    wrong = write(tmp_path, swapped("team: flights", "team: 5"), "b.yaml")
    good = write(tmp_path, GOOD, "c.yaml")
    models, errors = load_all([broken, wrong, good])
    assert list(models) == [good]
    assert list(errors) == [broken, wrong]


def test_the_later_of_two_files_of_one_model_is_the_mistake(tmp_path):
    first, second = write(tmp_path, GOOD, "a.yaml"), write(tmp_path, GOOD, "b.yaml")
    models, errors = load_all([first, second])
    assert list(models) == [first]
    assert str(errors[second]) == (
        f"{second}:3: model: flights/late_arrival is declared already in {first}, "
        "rename one of the two, or remove it"
    )


def test_an_earlier_file_with_mistakes_of_its_own_takes_no_model_from_a_good_one(tmp_path):
    broken, good = write(tmp_path, GOOD.partition("\n")[2], "a.yaml"), write(tmp_path, GOOD, "b.yaml")
    models, errors = load_all([broken, good])
    assert (list(models), list(errors)) == ([good], [broken])
    assert f"is declared already in {good}" in str(errors[broken])


def test_declarations_need_neither_dagster_nor_arrow_nor_numpy():
    heavy = "{'dagster', 'pyarrow', 'pandas', 'numpy', 'scipy'}"
    code = f"import sys, lupus_assets.declare, lupus_assets.cli; print({heavy} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
