"""The JDKs of this machine."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

JVMS = Path("/usr/lib/jvm")


def java_home(least: int, most: int, *, tool: str = "java") -> Path:
    """Return the home of the oldest Java from `least` to `most`, inclusive, that has `tool`.

    ``JAVA_HOME``, the folders of `JVMS` and the ``java`` on the path are asked for their version.

    Raises
    ------
    RuntimeError
        There is none; says which there are.
    """
    versions = {home: major(home) for home in homes()}
    fit = {
        version: home
        for home, version in versions.items()
        if least <= version <= most and (home / "bin" / tool).exists()
    }
    if not fit:
        there = ", ".join(sorted({str(version) for version in versions.values()})) or "none"
        wanted = str(least) if least == most else f"{least} to {most}"
        raise RuntimeError(
            f"Java {wanted} with `{tool}` is needed, and there is {there}: "
            f"install one below {JVMS}, or name its folder in JAVA_HOME"
        )
    return fit[min(fit)]


def homes() -> Iterator[Path]:
    """Yield the folders that hold a Java."""
    named, found = os.environ.get("JAVA_HOME"), shutil.which("java")
    candidates = [
        *([Path(named)] if named else []),
        *(sorted(JVMS.iterdir()) if JVMS.is_dir() else []),
        *([Path(found).resolve().parents[1]] if found else []),
    ]
    yield from (home for home in candidates if (home / "bin" / "java").exists())


def major(home: Path) -> int:
    """Return the feature version of a Java: 8, 17, 25; 0 when it does not say."""
    release = home / "release"
    text = release.read_text() if release.exists() else ""
    if "JAVA_VERSION=" not in text:
        asked = subprocess.run([home / "bin" / "java", "-version"], capture_output=True, text=True)
        text = asked.stderr
    said = re.search(r'(?:JAVA_VERSION=|version )"(?:1\.)?(\d+)', text)
    return int(said[1]) if said else 0
