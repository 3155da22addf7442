"""A virtual environment for every package, made from its hashed requirements and kept between runs.

They lie under ``$LUPUS_PEERS``, else ``~/.cache/lupus-peers``; one whose requirements changed is made anew
beside the old one. Together they take about 4.5 GB, most of it TensorFlow.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from bench.peers.process import ProcessFailedError

HERE = Path(__file__).parent


def python(name: str) -> Path:
    """Return the interpreter of the environment of `name`, made first if need be.

    Raises
    ------
    ProcessFailedError
        It cannot be installed.
    """
    requirements = HERE / f"{name}.txt"
    content = requirements.read_bytes() + platform.python_version().encode()
    root = Path(os.environ.get("LUPUS_PEERS") or Path.home() / ".cache" / "lupus-peers")
    folder = root / f"{name}-{hashlib.sha256(content).hexdigest()[:12]}"
    interpreter, mark = folder / "bin" / "python", folder / "complete"
    if not mark.exists():
        print(f"Installing {name} into {folder}", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        _install(interpreter, folder, requirements)
        mark.touch()
    return interpreter


def _install(interpreter: Path, folder: Path, requirements: Path) -> None:
    wanted = ("--no-deps", "--require-hashes", "-r", str(requirements))
    uv = shutil.which("uv")
    if uv:
        commands = [
            (uv, "venv", "--quiet", "--python", sys.executable, str(folder)),
            (uv, "pip", "install", "--quiet", "--python", str(interpreter), *wanted),
        ]
    else:
        commands = [
            (sys.executable, "-m", "venv", str(folder)),
            (str(interpreter), "-m", "pip", "install", "--quiet", *wanted),
        ]
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise ProcessFailedError("cannot be installed on this machine", done.stderr.strip())
