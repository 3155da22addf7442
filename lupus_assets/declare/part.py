"""The base of every part of a declaration."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A frozen mapping that refuses unknown keys.

    Keys that are words of Python (``from``, ``class``) are written so in YAML, and with a
    trailing underscore in Python.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
