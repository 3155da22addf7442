"""Loading of declarations from files, with every mistake of every file."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml
from pydantic import ValidationError

from lupus_assets.declare import wording
from lupus_assets.declare.consistency.parts import check_model
from lupus_assets.declare.document import LARGEST, SYNTAX, Document, named_types
from lupus_assets.declare.mistake import Mistake, closest, did_you_mean, dotted, listed
from lupus_assets.declare.model import MonitoredModel, made_by
from lupus_assets.errors import DeclarationError, Problem

FILE = "defs.yaml"
TYPE = "lupus_assets.assets.MonitoredModel"
OURS = "lupus"  # any other type that begins with it, in upper or lower case, is a misspelt `TYPE`
COMPONENT = re.compile(r"\.?\w+(\.\w+)+")  # a type of Dagster: a class in a module
LONGEST = 400  # most characters of each part of a message
ENVELOPE = ("type", "attributes")


def load(path: str | Path) -> MonitoredModel:
    """Return the declaration in one file.

    Raises
    ------
    DeclarationError
        With every mistake in the file, by line.
    """
    file = _File(path)
    if file.model is None:
        raise DeclarationError(file.problems)
    return file.model


def find(root: str | Path) -> list[Path]:
    """Return the ``defs.yaml`` files below `root`, sorted, without those of other Dagster components.

    A file belongs to another component if it can be read and each of its documents names a type outside
    Lupus. All other files are returned, also broken ones: otherwise a truncated file would not be reported.
    If `root` is a file, it is the only result.
    """
    root = Path(root)
    if root.is_file():
        return [root]
    # Unlike rglob, os.walk also gives broken links.
    paths = [Path(folder) / FILE for folder, _, names in os.walk(root) if FILE in names]
    return sorted(path for path in paths if not _is_anothers(path))


def load_all(
    paths: Iterable[str | Path],
) -> tuple[dict[Path, MonitoredModel], dict[Path, DeclarationError]]:
    """Return the declarations and the errors of many files, by path; each path is in one of the two.

    If two files declare the same model, the later one has a mistake, where files with other mistakes count as
    later. A cycle of upstream tables is a mistake too.
    """
    files = {path: _File(path) for path in map(Path, paths)}
    owners: dict[tuple[str, str], Path] = {}
    for path, file in sorted(files.items(), key=lambda each: not each[1].sound):
        if file.key and (first := owners.setdefault(file.key, path)) != path:
            what = f"{'/'.join(file.key)} is declared already in {first}"
            file.add(Mistake(("attributes", "model"), what, "rename one of the two, or remove it"))
    _refuse_cycles([file for file in files.values() if file.sound])
    models = {path: file.model for path, file in files.items() if file.sound and file.model is not None}
    errors = {path: DeclarationError(file.problems) for path, file in files.items() if path not in models}
    return models, errors


def _refuse_cycles(files: Iterable["_File"]) -> None:
    """Add a mistake to each file whose upstream tables complete a cycle with those of earlier files."""
    upstream: dict[str, set[str]] = {}
    for file in files:
        if file.model is None:
            continue
        named = {made_by(name): at for at, name in enumerate(file.model.upstream)}
        upstream[file.model.key] = {key for key in named if key}
        circle = next((key for key in named if key and file.model.key in _reached(key, upstream)), None)
        if circle is not None:
            del upstream[file.model.key]
            what = f"{circle} is made from {file.model.key} itself"
            where = ("attributes", "upstream", named[circle])
            file.add(Mistake(where, what, "name what the model reads, and not what is made of it"))


def _reached(start: str, upstream: Mapping[str, set[str]]) -> set[str]:
    """Return the models upstream of `start`, itself included."""
    found, waiting = set(), [start]
    while waiting:
        key = waiting.pop()
        if key not in found:
            found.add(key)
            waiting += upstream.get(key, ())
    return found


def _is_anothers(path: Path) -> bool:
    try:
        kinds = named_types(_text(path))
    except (OSError, ValueError, yaml.YAMLError, RecursionError):  # kept, and reported by `load`
        return False
    return bool(kinds) and all(kind and COMPONENT.fullmatch(kind) and not _is_ours(kind) for kind in kinds)


def _is_ours(kind: str) -> bool:
    return kind.lower().startswith(OURS)


def _text(path: Path) -> str:
    if path.exists() and not path.is_file():
        raise OSError(0, "no regular file")
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise OSError(0, f"larger than {LARGEST // 1_000_000} MB")
    return data.decode()


def _unreadable(error: OSError | ValueError) -> Mistake:
    if isinstance(error, UnicodeDecodeError):
        return Mistake(("file",), f"is not UTF-8 at byte {error.start}", "save it as UTF-8")
    reason = error.strerror if isinstance(error, OSError) else error
    return Mistake(("file",), f"cannot be read ({reason})", "check the path and its rights")


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}…{text[-LONGEST // 4 :]}"


class _File:
    """One file: a model, or problems in the order of their lines."""

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        self.problems: list[Problem] = []
        self.model: MonitoredModel | None = None
        self.key: tuple[str, str] | None = None
        self.document = Document()
        try:
            text = _text(Path(path))
        except (OSError, ValueError) as error:
            self.add(_unreadable(error))
        else:
            self.document = Document.parse(text)
            self.add(*self.document.mistakes)
            if not any(found.path == (SYNTAX,) for found in self.document.mistakes):
                self.open(self.document.data)

    @property
    def sound(self) -> bool:
        """Whether the file declares a model and has no mistake."""
        return self.model is not None and not self.problems

    def open(self, data: object) -> None:
        """Read the keys `ENVELOPE` around the declaration, and then the declaration."""
        if not isinstance(data, Mapping):
            what = "is empty" if data is None else "is not a mapping"
            self.add(Mistake((SYNTAX,), what, f"start with `type: {TYPE}` and `attributes:`"))
            return
        unknown = [key for key in data if key not in ENVELOPE]
        meant = {closest(key, ENVELOPE) for key in unknown}
        for key in unknown:
            remedy = did_you_mean(
                key, ENVELOPE, f"move it below attributes; allowed here: {listed(ENVELOPE)}"
            )
            self.add(Mistake((key,), "is not a key here", remedy))
        kind = data.get("type")
        if "type" in data and kind != TYPE:
            remedy = f"did you mean {TYPE}?" if _is_ours(str(kind)) else f"write `type: {TYPE}`"
            self.add(Mistake(("type",), f"is {kind!r}, which is no monitored model", remedy))
        elif "type" not in data and "type" not in meant:
            self.add(Mistake(("type",), "is missing", f"write `type: {TYPE}`"))
        attributes = data.get("attributes")
        if isinstance(attributes, Mapping):
            self.declare(attributes)
        elif "attributes" in data or "attributes" not in meant:
            what = "is missing" if attributes is None else "is not a mapping"
            self.add(Mistake(("attributes",), what, "write the declaration below `attributes:`"))

    def declare(self, raw: Mapping[str, object]) -> None:
        """Read the declaration."""
        team, name = raw.get("team"), raw.get("model")
        if isinstance(team, str) and isinstance(name, str):
            self.key = (team, name)
        found = list(check_model(raw))
        try:
            # By alias only: in YAML, a trailing underscore as in `from_` is a mistake.
            model = MonitoredModel.model_validate(raw, by_alias=True, by_name=False)
        except ValidationError as error:
            found = [*wording.mistakes(error, self.document, raw), *found]
        else:
            self.model = None if self.problems else model
        self.add(*(mistake.below("attributes") for mistake in found))

    def add(self, *mistakes: Mistake) -> None:
        """Add mistakes as problems, sorted by line."""
        for found in mistakes:
            key = dotted(found.path).removeprefix("attributes.")
            line = self.document.line(found.path)
            self.problems.append(
                Problem(self.path, line, _short(key), _short(found.what), _short(found.remedy))
            )
        self.problems.sort(key=lambda problem: problem.line)
