"""YAML as plain data with lines: merging, names, and values that no declaration can hold."""

import pytest

from lupus_assets.declare.consistency.plain import at, duration_at, instant_at, items, texts, zone_of
from lupus_assets.declare.document import Document, named_types
from lupus_assets.declare.mistake import Mistake, closest, did_you_mean, dotted, listed, refuse


def said(text: str) -> list[tuple[str, int, str, str]]:
    """Return path, line, what is wrong and remedy of every mistake."""
    document = Document.parse(text)
    return [
        (dotted(each.path), document.line(each.path), each.what, each.remedy) for each in document.mistakes
    ]


def test_of_several_mappings_that_are_merged_the_earlier_goes_before_the_later():
    """As the merge key of YAML 1.1 has it; a mapping's own keys go before all of them."""
    text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], own: 3}\nd: {z: 4, <<: [*b, *a]}\n"
    document = Document.parse(text)
    assert document.data["c"] == {"x": 1, "y": 1, "z": 2, "own": 3}
    assert document.data["d"] == {"x": 1, "y": 2, "z": 4}
    assert document.mistakes == []
    assert document.lines["c", "z"] == 2  # where it is written
    assert document.lines["c", "own"] == 3


def test_what_is_merged_may_itself_merge_and_the_same_mapping_twice_is_once():
    text = "a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: [*b, *b, *a], z: 3}\n"
    assert Document.parse(text).data["c"] == {"x": 1, "y": 2, "z": 3}


def test_a_mapping_that_merges_itself_is_itself():
    document = Document.parse("a: &a {<<: *a, x: 1}")
    assert (document.data, document.mistakes) == ({"a": {"x": 1}}, [])


@pytest.mark.parametrize(
    ("text", "line"), [("a:\n  <<: 5\n", 2), ("a: &a {x: 1}\nb:\n  <<:\n    - *a\n    - word\n", 5)]
)
def test_what_brings_along_no_mapping_is_named_with_its_line(text, line):
    assert said(text) == [("<<", 1, f"brings along no mapping (line {line})", "name a mapping behind <<")]


@pytest.mark.parametrize(
    ("key", "path", "what", "remedy"),
    [
        ("no", "no", "is read as False, which is no name", "quote it: 'no'"),
        ("5", "5", "is read as 5, which is no name", "quote it: '5'"),
        ("1_000", "1_000", "is read as 1000, which is no name", "quote it: '1_000'"),
        ("~", "~", "is read as None, which is no name", "quote it: '~'"),
        ("[a, b]", "?", "is a list or mapping in the place of a name", "write a name, or quote it"),
        ("{a: b}", "?", "is a list or mapping in the place of a name", "write a name, or quote it"),
    ],
)
def test_a_key_that_is_no_name_is_named_and_costs_nothing_else(key, path, what, remedy):
    text = f"a: 1\n? {key}\n: 2\nb: 3"
    assert said(text) == [(path, 2, what, remedy)]
    assert Document.parse(text).data == {"a": 1, "b": 3}


def test_a_key_that_is_there_twice_is_named_with_its_first_line_wherever_it_is():
    text = "a: 1\nb:\n  - {x: 1}\n  - x: 2\n    y: 3\n    x: 4\na: 5\na: 6\n"
    assert said(text) == [
        ("a", 8, "is here twice (first on line 1)", "remove one of the two"),
        ("a", 8, "is here twice (first on line 1)", "remove one of the two"),
        ("b[1].x", 6, "is here twice (first on line 4)", "remove one of the two"),
    ]


LARGE = 2**64 - 1


@pytest.mark.parametrize(
    ("value", "what", "remedy"),
    [
        ("!!binary aGk=", "is no text and no number", "write it without its tag (!!)"),
        ("!!bool maybe", "is no bool", "write it without its tag (!!)"),
        (str(LARGE + 1), "is a number of more than 64 bits", "write a smaller one, or quote it"),
        (f"-{LARGE + 1}", "is a number of more than 64 bits", "write a smaller one, or quote it"),
        (r'"\0"', "holds the character '\\x00', which no text may", "remove it"),
        (r'"fine \e"', "holds the character '\\x1b', which no text may", "remove it"),
        (r'"\ud800"', "holds the character '\\ud800', which no text may", "remove it"),
    ],
)
def test_what_no_declaration_can_hold_is_nothing_and_said(value, what, remedy):
    assert said(f"a:\n  b: {value}\n  c: 1") == [("a.b", 2, what, remedy)]
    assert Document.parse(f"a:\n  b: {value}\n  c: 1").data == {"a": {"b": None, "c": 1}}


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (str(LARGE), LARGE),
        (r'"tab\t, lines\n\r and \N"', "tab\t, lines\n\r and \x85"),
        (r'"\u00a0\u200b"', "\xa0\u200b"),  # not printable, and no control
        ("2013-02-30", "2013-02-30"),  # looks like a day and is none
    ],
)
def test_what_is_odd_and_fine_stays_as_it_is(value, meant):
    document = Document.parse(f"a: {value}")
    assert (document.data, document.mistakes) == ({"a": meant}, [])


def test_scalars_are_kept_as_they_are_written():
    document = Document.parse("a: 0x10\nb: [1e3, no]")
    assert document.data == {"a": 16, "b": ["1e3", False]}
    assert document.sources == {("a",): "0x10", ("b", 0): "1e3", ("b", 1): "no"}


def test_a_place_that_is_not_there_has_the_line_of_the_nearest_that_is():
    document = Document.parse("a: 1\nb:\n  - x\n  - y:\n      1\n")
    assert document.lines == {(): 1, ("a",): 1, ("b",): 2, ("b", 0): 3, ("b", 1): 4, ("b", 1, "y"): 4}
    lines = [document.line(path) for path in (("b", 1, "z"), ("b", 2), ("b", 1, "y", "deep"), ("c", 5), ())]
    assert lines == [4, 2, 4, 1, 1]


def test_an_alias_within_itself_is_named_and_one_beside_itself_is_fine():
    assert said("a: &a\n  b:\n    c: *a") == [("a.b.c", 3, "refers to itself", "write it out")]
    document = Document.parse("a: &a {x: 1}\nb: *a\nc: *a")
    assert (document.data["c"], document.mistakes) == ({"x": 1}, [])


@pytest.mark.parametrize(("values", "read"), [(49_998, True), (49_999, False)])
def test_values_count_as_often_as_aliases_write_them_out(values, read):
    """A hundred thousand, with what holds them: here the list, twice, and the mapping."""
    document = Document.parse(f"a: &a [{'1,' * values}]\nb: *a")
    held = "holds too many values once its aliases (*) are written out"
    assert ([each.what for each in document.mistakes] == []) is read
    if not read:
        (mistake,) = document.mistakes
        assert (document.data, mistake.what, mistake.remedy) == (None, held, "write out fewer")
        assert document.line(mistake.path) == 1


def test_types_are_those_of_each_document_and_the_last_where_there_are_two():
    text = "type: a\n---\nx: 1\n---\n- type: b\n---\ntype: c\ntype: d\n---\ntype: [e]\n---\n? [k]\n: 1\n"
    assert named_types(text) == ["a", None, None, "d", None, None]
    assert named_types("") == []


def test_names_are_listed_in_their_order_and_none_is_said():
    assert listed(["b", "a"]) == "b, a"
    assert listed([]) == "none"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("a",), "a"),
        (("rules", 1, "metric"), "rules[1].metric"),
        ((0, "x"), "[0].x"),
        ((2, 3), "[2][3]"),
    ],
)
def test_a_path_is_written_as_users_read_it(path, text):
    assert dotted(path) == text


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("duplicate", "duplicate_rate"),  # begins one
        ("DUPLICATE_R", "duplicate_rate"),
        ("nul_rate", "null_rate"),
        ("nu", None),  # two letters begin nothing
        ("null", "null_rate"),  # begins two, and is nearest to this
        ("zzz", None),
    ],
)
def test_the_closest_name_is_the_one_that_is_begun_or_nearly_spelt(name, found):
    known = ["duplicate_rate", "null_rate", "null_design_effect"]
    assert closest(name, known) == found
    meant = did_you_mean(name, known, "write another")
    assert meant == ("write another" if found is None else f"did you mean '{found}'?")


def test_the_closest_name_is_spelt_as_it_is_known():
    assert closest("origin", ["Origin", "dest"]) == "Origin"


def test_a_mistake_below_a_key_has_the_key_in_front():
    assert Mistake(("end",), "a", "b").below("model", 0) == Mistake(("model", 0, "end"), "a", "b")
    assert refuse([]) is None
    with pytest.raises(ValueError, match=r"^x\.end: a, b\ny: c, d$") as caught:
        refuse([Mistake(("x", "end"), "a", "b"), Mistake(("y",), "c", "d")])
    assert caught.value.type == "inconsistent"


DATA = {"a": {"b": [1, "x", {"c": "y"}]}, "t": "text", "n": 5, "l": ["p", 6, "q"]}


@pytest.mark.parametrize(
    ("path", "value"),
    [((), DATA), (("a", "b", 1), "x"), (("a", "b", 2, "c"), "y"), (("a", "none"), None), (("t", 0), None),
     (("a", "b", "c"), None), (("n", "x"), None)],
)  # fmt: skip
def test_what_is_not_there_is_passed_over(path, value):
    assert at(DATA, *path) == value


def test_items_and_texts_come_with_their_paths():
    assert items(DATA, "l") == [(("l", 0), "p"), (("l", 1), 6), (("l", 2), "q")]
    assert items((1, 2)) == [((0,), 1), ((1,), 2)]
    assert items({"x": 1}) == [(("x",), 1)]
    assert items(DATA, "n") == items(DATA, "t") == items(DATA, "none") == []
    assert texts(DATA, "l") == [(("l", 0), "p"), (("l", 2), "q")]
    assert texts(DATA, "t") == [(("t",), "text")]
    assert texts({"x": "1"}) == texts(DATA, "a") == texts(DATA, "n") == []


def test_zones_times_and_delays_that_are_none_are_passed_over():
    assert str(zone_of({})) == str(zone_of({"timezone": None})) == "UTC"
    assert str(zone_of({"timezone": "Asia/Tokyo"})) == "Asia/Tokyo"
    assert zone_of({"timezone": "Mars"}) is zone_of({"timezone": 5}) is None
    zone = zone_of({"timezone": "Asia/Tokyo"})
    moment = instant_at({"start": "2013-05-01"}, "start", zone)
    assert f"{moment}" == "2013-05-01 00:00:00+09:00"
    assert instant_at({"start": "2013-05-01"}, "start", None) is None
    assert instant_at({"start": "soon"}, "start", zone) is instant_at({}, "start", zone) is None
    assert f"{duration_at({'a': {'b': '36h'}}, 'a', 'b')}" == "1 day, 12:00:00"
    assert duration_at({"a": "soon"}, "a") is duration_at({}, "a") is None
