"""Writes the fixtures of the format in force: ``python -m tests.unit.stats.write_fixture``.

Run it after the last change to a state before a release, never for a format that was released: its files are
what earlier versions wrote.
"""

from pathlib import Path

from lupus_assets.profiling.profiled import WHOLE
from lupus_assets.stats.codec import VERSION, to_bytes
from lupus_assets.stats.state import State
from tests.models import declared, frozen, log, only, profiled

FOLDER = Path(__file__).parent / "fixtures"
ROWS = 300


def states() -> dict[str, State]:
    """Return a profile, two of its columns and the reference that it was made with, by file name."""
    model = declared()
    reference = frozen(model)
    users = [None, *[f"user-{row % (ROWS // 3)}" for row in range(1, ROWS)]]
    profile = only(profiled(model, reference, log(5, ROWS, user=users))).profiles[WHOLE]
    columns = {name: profile.columns[name] for name in ("amount", "country")}
    return {"profile": profile, "reference": reference, **columns}


def main() -> None:
    for name, state in states().items():
        (FOLDER / f"{name}.v{VERSION}.bin").write_bytes(to_bytes(state))


if __name__ == "__main__":
    main()
