"""Names in a declaration: of teams, models, tracks and rules."""

import re
from typing import Annotated

from pydantic import AfterValidator

from lupus_assets.declare.mistake import mistake

LONGEST_NAME = 60  # characters: several names are joined into a file name, and a tag has at most 63


def _name(name: str) -> str:
    if not re.fullmatch("[a-z0-9_]+", name):
        plain = re.sub("[^a-z0-9_]+", "_", name.lower()).strip("_")
        remedy = f"write {plain}" if plain else "write a name"
        raise mistake(f"'{name}' is not made of a-z, 0-9 and _ only", remedy)
    if len(name) > LONGEST_NAME:
        raise mistake(f"'{name}' is longer than {LONGEST_NAME} characters", "write a shorter name")
    plain = re.sub("_+", "_", name).strip("_")
    if plain != name:  # names are joined by __
        raise mistake(f"'{name}' has two _ in a row, or one at an end", f"write {plain or 'a name'}")
    return name


Name = Annotated[str, AfterValidator(_name)]
