"""The base of every part of a declaration."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A frozen mapping that refuses unknown keys.

    Keys that are keywords of Python (``from``, ``class``) have a trailing underscore in Python, and none in
    YAML.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
