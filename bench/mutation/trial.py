"""Runs the tests that reach a mutant, in a forked process for each mutant, inside one pytest session.

pytest collects once, so that numpy, the package and the tests are imported once; a fork costs the tests it
runs. Before, one fork for each test file runs it on the original and records which functions each test calls.
"""

import hashlib
import json
import os
import resource
import signal
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import pytest
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state

SURVIVED, KILLED, TIMEOUT, CRASHED, UNTESTED = "survived", "killed", "timeout", "crashed", "no tests"
MEMORY = 2 << 30  # bytes a mutant may take beyond what the session holds; more is a MemoryError
SLOWER, LEAST = 10, 10.0  # a test may take ten times its CPU seconds on the original, and ten seconds more
OUTCOMES = {0: SURVIVED, 1: KILLED, -signal.SIGPROF: TIMEOUT, -signal.SIGALRM: TIMEOUT}
HANGING = 900  # wall seconds after which a mutant that waits is given up


@dataclass
class Coverage:
    """What the tests of one file call, as recorded on the original code."""

    digest: str
    seconds: dict[str, float] = field(default_factory=dict)  # CPU by test
    tests: dict[str, list[str]] = field(default_factory=dict)  # by function


def digest(paths: Sequence[Path]) -> str:
    """Return a digest of names and bytes."""
    content = hashlib.sha256()
    for path in sorted(paths):
        content.update(f"{path}\0{path.stat().st_size}\0".encode())
        content.update(path.read_bytes())
    return content.hexdigest()


class Trial:
    """A pytest plugin that tries mutants instead of running the tests.

    Parameters
    ----------
    mutants : sequence of str
        As mutmut names them, in the order in which they are tried.
    sources : str
        Digest of what every test depends on; coverage recorded under another is not used.
    record : Path
        Where coverage is kept between sessions.
    tell : callable
        Takes the name and the outcome of each mutant when it is known.
    """

    def __init__(
        self, mutants: Sequence[str], sources: str, record: Path, tell: Callable[[str, str], None]
    ) -> None:
        self.mutants, self.sources, self.record, self.tell = mutants, sources, record, tell
        self.noticing = record.with_suffix(".noticing")  # the test that a fork has to tell of
        self.failures: list[str] = []
        self.calls: dict[str, set[str]] = {}
        self.noticed: dict[str, Counter[str]] = defaultdict(Counter)  # mutants by module and test

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Record coverage where it is missing, then try every mutant."""
        if session.testsfailed:
            raise session.Failed("tests could not be collected")
        items = {item.nodeid: item for item in session.items}
        coverage = self.covered(list(items.values()))
        seconds = {name: cpu for of_file in coverage.values() for name, cpu in of_file.seconds.items()}
        by_function: dict[str, list[str]] = defaultdict(list)
        for of_file in coverage.values():
            for function, names in of_file.tests.items():
                by_function[function] += names
        for mutant in self.mutants:
            function = mutant.partition("__mutmut_")[0]
            order = self.ordered(function, by_function[function], seconds)
            self.tell(mutant, self.outcome(mutant, [items[name] for name in order], seconds))
        return True

    def ordered(self, function: str, tests: Sequence[str], seconds: Mapping[str, float]) -> list[str]:
        """Return tests, those that are likely to fail first.

        That is those that have noticed mutants of the same module, then those of its own test file, then the
        quick before the slow.
        """
        module = function.rpartition(".")[0]
        own = f"/test_{module.rpartition('.')[2]}.py::"
        noticed = self.noticed[module]
        return sorted(tests, key=lambda name: (-noticed[name], own not in name, seconds[name], name))

    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        """Take the functions that were called; those in fixtures count for every test of the file."""
        shared = call.when == "setup"
        self.calls.setdefault(str(item.path) if shared else item.nodeid, set()).update(state()._stats)
        state()._stats.clear()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note and log what failed."""
        if report.failed:
            self.failures.append(report.nodeid)
            os.write(2, f"\n{report.nodeid}\n{report.longreprtext}\n".encode())

    def covered(self, items: Sequence[pytest.Item]) -> Mapping[str, Coverage]:
        """Return coverage by test file: that of files which changed is recorded anew."""
        try:
            kept = json.loads(self.record.read_text())
        except FileNotFoundError:
            kept = {}
        files = kept.get("files", {}) if kept.get("sources") == self.sources else {}
        by_file: dict[Path, list[pytest.Item]] = defaultdict(list)
        for item in items:
            by_file[item.path].append(item)
        digests = {path: digest([path]) for path in by_file}
        coverage = {
            str(path): Coverage(**files[str(path)])
            for path in by_file
            if files.get(str(path), {}).get("digest") == digests[path]
            and files[str(path)]["seconds"].keys() == {item.nodeid for item in by_file[path]}
        }
        for path, of_file in by_file.items():
            if str(path) in coverage:
                continue
            scratch = self.record.with_suffix(".new")
            if forked(partial(self.write, scratch, digests[path], of_file)):
                raise pytest.UsageError(f"{path.name} fails on the original: mutants/pytest.log")
            coverage[str(path)] = Coverage(**json.loads(scratch.read_text()))
            written = {name: asdict(of_path) for name, of_path in coverage.items()}
            self.record.write_text(json.dumps({"sources": self.sources, "files": {**files, **written}}))
        return coverage

    def write(self, scratch: Path, of: str, items: Sequence[pytest.Item]) -> int:
        """Run the tests of one file on the original, write what they call, and return 1 if one failed."""
        set_mutant_under_test("stats")
        seconds = {}
        for item, following in zip(items, [*items[1:], None], strict=True):
            began = time.process_time()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            seconds[item.nodeid] = time.process_time() - began
        shared = self.calls.get(str(items[0].path), set())
        tests: dict[str, list[str]] = defaultdict(list)
        for item in items:
            for function in sorted(shared | self.calls.get(item.nodeid, set())):
                tests[function].append(item.nodeid)
        scratch.write_text(json.dumps(asdict(Coverage(of, seconds, dict(tests)))))
        return int(bool(self.failures))

    def outcome(self, mutant: str, items: Sequence[pytest.Item], seconds: Mapping[str, float]) -> str:
        """Return what becomes of a mutant."""
        if not items:
            return UNTESTED
        self.noticing.unlink(missing_ok=True)
        outcome = OUTCOMES.get(forked(partial(self.attempt, mutant, items, seconds)), CRASHED)
        if self.noticing.exists():
            self.noticed[mutant.partition("__mutmut_")[0].rpartition(".")[0]][self.noticing.read_text()] += 1
        return outcome

    def attempt(self, mutant: str, items: Sequence[pytest.Item], seconds: Mapping[str, float]) -> int:
        """Run tests on a mutant until one fails."""
        set_mutant_under_test(mutant)
        held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (held + MEMORY, held + MEMORY))
        signal.alarm(HANGING)
        for item, following in zip(items, [*items[1:], None], strict=True):
            signal.setitimer(signal.ITIMER_PROF, LEAST + SLOWER * seconds[item.nodeid])
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.failures:
                self.noticing.write_text(item.nodeid)
                return 1
        return 0


def forked(work: Callable[[], int]) -> int:
    """Return the exit status of `work` in a fork of this process; of a signal, its negative number."""
    child = os.fork()
    if not child:
        try:
            os._exit(work())
        except BaseException:  # in pytest itself: a mutant can bring it about
            os.write(2, traceback.format_exc().encode())
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
