"""Fuzzing: hostile input by the hundred thousand, for both wires and for every reader of strangers' bytes.

Each target takes bytes and says what may never be (`tests/helpers_fuzz*.py`; `make test` runs some hundreds
of the same examples). Here they come from seeds, and then, where atheris is installed, from a fuzzer that
changes what reached new lines. A finding is printed with the bytes that bring it about.
"""

import contextlib
import random  # noqa: TID251 - a proof's examples come from its seed
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent / folder) for folder in ("tests", "src")]

from helpers_fuzz_merchant import MerchantWire  # noqa: E402 - found on the path that was set above
from helpers_fuzz_parsers import PARSERS  # noqa: E402 - found on the path that was set above
from helpers_fuzz_subscribe import SubscribeWire  # noqa: E402 - found on the path that was set above
from helpers_fuzz_wires import Wire  # noqa: E402 - found on the path that was set above

__all__ = ["TARGETS", "fuzz"]

EXAMPLES = 20_000
PARSER_EXAMPLES = 100_000
GUIDED_S = 60
BYTES_MAX = 400
MEMORY_MB_MAX = 1_024
_REOPENED_AFTER = 2_000
_PRINTED_MAX = 2_000

WIRES: dict[str, type[Wire]] = {"subscribe": SubscribeWire, "merchant": MerchantWire}
TARGETS = (*WIRES, *PARSERS)


@contextlib.contextmanager
def opened(name: str) -> Iterator[Callable[[bytes], None]]:
    """Open a target for some examples."""
    if name in PARSERS:
        yield PARSERS[name]
        return
    with tempfile.TemporaryDirectory(prefix="tiyin-fuzz-") as folder, WIRES[name](Path(folder)) as wire:
        yield wire.one
        if isinstance(wire, SubscribeWire):
            wire.run(wire.check_books())


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
    for first in range(seed, seed + count, _REOPENED_AFTER):
        with opened(name) as one:
            for number in range(first, min(first + _REOPENED_AFTER, seed + count)):
                chance = random.Random(number)  # noqa: S311 - an example comes from its seed
                data = chance.randbytes(chance.randrange(4, BYTES_MAX))
                try:
                    one(data)
                except Exception as error:  # noqa: BLE001 - whatever it is, it is what was looked for
                    print(f"fuzzing  {name}: seed {number}, bytes {data.hex()}\n  {error!r}"[:_PRINTED_MAX])
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
    with tempfile.TemporaryDirectory(prefix="tiyin-fuzz-") as folder:
        command = [
            *(sys.executable, "-m", "prove.fuzzing_guided", name),
            *(f"-max_total_time={seconds}", f"-max_len={BYTES_MAX}", f"-rss_limit_mb={MEMORY_MB_MAX}"),
            *("-timeout=20", "-print_final_stats=1", f"-artifact_prefix={folder}/"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        stats = dict(
            line.removeprefix("stat::").split(":", 1)
            for line in done.stderr.splitlines()
            if line.startswith("stat::")
        )
        artifacts = [path.read_bytes().hex() for path in Path(folder).iterdir()]
    runs = stats.get("number_of_executed_units", "0").strip()
    if done.returncode or artifacts or runs == "0":
        told = "\n".join((done.stdout + done.stderr).splitlines()[-30:])
        print(f"fuzzing  {name}: bytes {' '.join(artifacts)[:1_000]}\n{told[-_PRINTED_MAX:]}")
        return False
    print(f"fuzzing   {name:<16} {runs:>7} examples by coverage  nothing found  {seconds} s", flush=True)
    return True
