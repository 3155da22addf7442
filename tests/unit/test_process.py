import os
import subprocess
import sys

import pytest

SCRIPT = """
import ctypes, os, sys
calls = []
class Library:
    def __init__(self, name): pass
    def mallopt(self, *what): calls.append(what)
ctypes.CDLL = Library
from lupus_assets.process import prepare
prepare()
assert not {"numpy", "pyarrow", "dagster"} & set(sys.modules), "imported before anything was said"
print(len(calls), os.environ["OPENBLAS_NUM_THREADS"], os.environ["ARROW_DEFAULT_MEMORY_POOL"])
"""
LEFT_OUT = ("OPENBLAS_NUM_THREADS", "ARROW_DEFAULT_MEMORY_POOL", "MALLOC_TRIM_THRESHOLD_")


@pytest.mark.parametrize(
    ("said", "printed"),
    [
        ({}, "2 1 system"),
        ({"OPENBLAS_NUM_THREADS": "4"}, "2 4 system"),
        ({"MALLOC_TRIM_THRESHOLD_": "131072"}, "0 1 system"),
    ],
)
def test_a_process_is_told_what_its_environment_does_not_say(said, printed):
    environment = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
    told = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment | said, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == printed
