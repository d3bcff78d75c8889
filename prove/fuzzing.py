"""Fuzzing: hostile input by the hundred thousand, for both wires and for every reader of strangers' bytes.

Each target takes bytes and says what may never be (`tests/helpers_fuzz*.py`; `make test` runs some hundreds
of the same examples). Here they come from seeds, and then, where atheris is installed, from a fuzzer that
changes what reached new lines. A finding is printed with the bytes that bring it about.

A wire is opened anew after some examples: what its database holds by then makes later examples slower, and
no likelier to find anything. An example that found something may need those since the last opening.
"""

import contextlib
import io
import random  # noqa: TID251 - a proof's examples come from its seed
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Self

sys.path[:0] = [str(Path(__file__).parent.parent / folder) for folder in ("tests", "src")]

from helpers_fuzz_merchant import MerchantWire  # noqa: E402 - found on the path that was set above
from helpers_fuzz_parsers import PARSERS  # noqa: E402 - found on the path that was set above
from helpers_fuzz_subscribe import SubscribeWire  # noqa: E402 - found on the path that was set above
from helpers_fuzz_wires import Wire  # noqa: E402 - found on the path that was set above
from tiyin.runtime.logs import configure_logs  # noqa: E402 - found on the path that was set above

__all__ = ["TARGETS", "fuzz"]

EXAMPLES = 20_000
PARSER_EXAMPLES = 100_000
GUIDED_S = 60
BYTES_MAX = 400
MEMORY_MB_MAX = 1_024
HANG_S = 300
"""A run may be stopped for a while and go on; what hangs still hangs then."""
_REOPENED_AFTER = 500
_STANDSTILL_S = 5.0
_STANDSTILLS_MAX = 4
_PRINTED_MAX = 2_000

WIRES: dict[str, type[Wire]] = {"subscribe": SubscribeWire, "merchant": MerchantWire}
TARGETS = (*WIRES, *PARSERS)


@contextlib.contextmanager
def opened(name: str, place: Path) -> Iterator[Callable[[bytes], None]]:
    """Open a target; a wire is opened anew, and its books are compared, after every so many examples.

    Args:
        name: The target.
        place: Where a wire's databases are put.
    """
    if name in PARSERS:
        # What an acquirer's line logs of hostile answers is no part of what is printed here.
        configure_logs("json", "CRITICAL", stream=io.StringIO())
        yield PARSERS[name]
        return
    with _Renewed(name, place) as renewed:
        yield renewed.one


class _Renewed:
    """A wire that is opened anew after every so many examples.

    Leases and time limits go by the machine's time. When the process was stopped for a while, as a machine
    that sleeps or measures does it, a right call may be given up; so what is found after a standstill counts
    only if it is found again by the same examples on a wire opened anew.
    """

    def __init__(self, name: str, place: Path) -> None:
        self._name = name
        self._place = place
        self._stack = contextlib.ExitStack()
        self._since: list[bytes] = []
        self._stood_still = False
        self._wire: Wire

    def __enter__(self) -> Self:
        self._open()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def one(self, data: bytes) -> None:
        """Run one example.

        Raises:
            Exception: What was found.
        """
        if len(self._since) == _REOPENED_AFTER:
            self._stack.close()
            self._open()
        self._since.append(data)
        for left in reversed(range(_STANDSTILLS_MAX)):
            try:
                self._run(self._since[-1:] if left == _STANDSTILLS_MAX - 1 else self._since)
            except Exception:
                if not (left and self._stood_still):
                    raise
                since = self._since
                with contextlib.suppress(Exception):
                    self._stack.close()
                self._open()
                self._since = since
            else:
                return

    def _open(self) -> None:
        self._since, self._stood_still = [], False
        self._wire = self._stack.enter_context(_opened_wire(self._name, self._place))

    def _run(self, examples: list[bytes]) -> None:
        for data in examples:
            began, began_busy = time.monotonic(), time.process_time()
            try:
                self._wire.one(data)
            finally:
                idle_s = time.monotonic() - began - (time.process_time() - began_busy)
                self._stood_still = self._stood_still or idle_s > _STANDSTILL_S


@contextlib.contextmanager
def _opened_wire(name: str, place: Path) -> Iterator[Wire]:
    with tempfile.TemporaryDirectory(dir=place) as folder, WIRES[name](Path(folder)) as wire:
        yield wire
        if isinstance(wire, SubscribeWire):
            wire.run(wire.check_books())


@contextlib.contextmanager
def _place() -> Iterator[Path]:
    """Make a folder for databases and findings, in memory where it may be: no disk is tried here."""
    memory = Path("/dev/shm")  # noqa: S108 - a fresh folder of its own is made in it
    with tempfile.TemporaryDirectory(prefix="tiyin-fuzz-", dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


def fuzz(seed: int = 0, *, share: float = 1.0) -> bool:
    """Run every target, and print what came of it.

    Args:
        seed: Where the seeds begin; another run with another number tries other examples.
        share: How much of the whole to run.

    Returns:
        Whether nothing was found.
    """
    found = [name for name in TARGETS if not (_from_seeds(name, seed, share) and _guided(name, share))]
    return not found


def _from_seeds(name: str, seed: int, share: float) -> bool:
    count = round((PARSER_EXAMPLES if name in PARSERS else EXAMPLES) * share)
    began = time.monotonic()
    number, data = seed, b""
    try:
        with _place() as place, opened(name, place) as one:
            for number in range(seed, seed + count):
                chance = random.Random(number)  # noqa: S311 - an example comes from its seed
                data = chance.randbytes(chance.randrange(4, BYTES_MAX))
                one(data)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what was looked for
        print(f"fuzzing  {name}: seed {number}, bytes {data.hex()}\n  {error!r}"[:_PRINTED_MAX], flush=True)
        return False
    took = time.monotonic() - began
    print(f"fuzzing   {name:<16} {count:>7} examples from seeds  nothing found  {took:.0f} s", flush=True)
    return True


def _guided(name: str, share: float) -> bool:
    """Let a fuzzer look for new lines, in a process of its own: it never returns."""
    if find_spec("atheris") is None:
        print(f"fuzzing   {name:<16} not guided by coverage: install atheris (CPython on Linux) for that")
        return True
    seconds = max(1, round(GUIDED_S * share))
    with _place() as place:
        found = place / "found"
        found.mkdir()
        command = [
            *(sys.executable, "-m", "prove.fuzzing_guided", name, str(place)),
            *(f"-max_total_time={seconds}", f"-max_len={BYTES_MAX}", f"-rss_limit_mb={MEMORY_MB_MAX}"),
            *(f"-timeout={HANG_S}", f"-report_slow_units={HANG_S}"),
            *("-print_final_stats=1", f"-artifact_prefix={found}/"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        stats = dict(
            line.removeprefix("stat::").split(":", 1)
            for line in done.stderr.splitlines()
            if line.startswith("stat::")
        )
        artifacts = [path.read_bytes().hex() for path in found.iterdir()]
    runs = stats.get("number_of_executed_units", "0").strip()
    if done.returncode or artifacts or runs == "0":
        # Lines that begin with a number sign tell of the fuzzer's progress.
        lines = [line for line in (done.stderr + done.stdout).splitlines() if not line.startswith("#")]
        told = "\n".join(line[:_PRINTED_MAX] for line in lines[-40:])
        print(f"fuzzing  {name}: example {runs}, bytes {' '.join(artifacts)[:1_000]}\n{told}", flush=True)
        return False
    print(f"fuzzing   {name:<16} {runs:>7} examples by coverage  nothing found  {seconds} s", flush=True)
    return True
