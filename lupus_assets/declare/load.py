"""Declarations from files, with every mistake of every file."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml
from pydantic import ValidationError

from lupus_assets.declare import wording
from lupus_assets.declare.document import SYNTAX, Document
from lupus_assets.declare.mistake import Mistake, closest, did_you_mean, dotted, listed
from lupus_assets.declare.model import MonitoredModel
from lupus_assets.declare.validation import check_model
from lupus_assets.errors import DeclarationError, Problem

FILE = "defs.yaml"
TYPE = "lupus_assets.assets.MonitoredModel"
OURS = "lupus_assets."  # a type that begins so and is not `TYPE` is a misspelt one
NAMES_OURS = re.compile(rf"""^type:\s*["']?{re.escape(OURS)}""", re.MULTILINE)
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
    """Return the ``defs.yaml`` files below `root` that declare a monitored model, sorted.

    A file whose type is a misspelt one of Lupus's counts, and so does one whose YAML is broken if
    it mentions the type. A `root` that is a file is returned as it is.
    """
    root = Path(root)
    return [root] if root.is_file() else sorted(path for path in root.rglob(FILE) if _declares(path))


def load_all(
    paths: Iterable[str | Path],
) -> tuple[dict[Path, MonitoredModel], dict[Path, DeclarationError]]:
    """Return the declarations and the errors of many files, by path; each path is in one of the two.

    A model that an earlier file declares already is a mistake in the later one.
    """
    models: dict[Path, MonitoredModel] = {}
    errors: dict[Path, DeclarationError] = {}
    owners: dict[tuple[str, str], Path] = {}
    for path in map(Path, paths):
        file = _File(path)
        if file.key and (first := owners.setdefault(file.key, path)) != path:
            what = f"{'/'.join(file.key)} is declared already in {first}"
            file.add(Mistake(("attributes", "model"), what, "rename one of the two, or remove it"))
        if file.problems or file.model is None:
            errors[path] = DeclarationError(file.problems)
        else:
            models[path] = file.model
    return models, errors


def _declares(path: Path) -> bool:
    text = path.read_bytes().decode(errors="replace")
    if OURS not in text:
        return False
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):  # ValueError: an impossible date
        return TYPE in text or NAMES_OURS.search(text) is not None
    return isinstance(data, Mapping) and str(data.get("type")).startswith(OURS)


class _File:
    """One file: a model, or problems in the order of their lines."""

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        self.problems: list[Problem] = []
        self.model: MonitoredModel | None = None
        self.key: tuple[str, str] | None = None
        self.document = Document()
        try:
            text = Path(path).read_text(encoding="utf-8")
        except OSError as error:
            self.add(
                Mistake(("file",), f"cannot be read ({error.strerror})", "check the path and its rights")
            )
        except UnicodeDecodeError as error:
            self.add(Mistake(("file",), f"is not UTF-8 at byte {error.start}", "save it as UTF-8"))
        else:
            self.document = Document.parse(text)
            self.add(*self.document.mistakes)
            if not any(found.path == (SYNTAX,) for found in self.document.mistakes):
                self.open(self.document.data)

    def open(self, data: object) -> None:
        """Read what is around the declaration, and then the declaration."""
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
            remedy = f"did you mean {TYPE}?" if str(kind).startswith(OURS) else f"write `type: {TYPE}`"
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
            # By alias only: in YAML, the trailing underscore of `from_` would be a typing error.
            model = MonitoredModel.model_validate(raw, by_alias=True, by_name=False)
        except ValidationError as error:
            found = [*wording.mistakes(error, self.document, raw), *found]
        else:
            self.model = None if self.problems else model
        self.add(*(mistake.below("attributes") for mistake in found))

    def add(self, *mistakes: Mistake) -> None:
        """Add problems, keeping all in the order of their lines."""
        for found in mistakes:
            key = dotted(found.path).removeprefix("attributes.")
            line = self.document.line(found.path)
            self.problems.append(Problem(self.path, line, key, found.what, found.remedy))
        self.problems.sort(key=lambda problem: problem.line)
