"""`make prove`: runs the long proofs, prints what each found, and fails when a promise is not kept."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from prove.fuzzing import fuzz
from prove.long_tests import run_long_tests
from prove.mutation import ROOMS, mutate
from prove.reality import endure
from prove.simulation import simulate
from prove.size import SIZES, prove_size


def _size() -> bool:
    # Both are run, whatever the first one finds.
    held = [asyncio.run(prove_size(kind, SIZES)) for kind in ("sqlite", "postgresql")]
    return all(held)


PROOFS: Final[Mapping[str, Callable[[], bool]]] = MappingProxyType(
    {"simulation": simulate, "fuzzing": fuzz, "long": run_long_tests, "reality": endure, "size": _size}
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m prove", description=__doc__)
    parser.add_argument("--room", choices=sorted(ROOMS), help="mutate the rules of one room alone")
    parser.add_argument("--proof", choices=sorted(PROOFS), help="run one proof alone")
    arguments = parser.parse_args()
    rooms = [arguments.room] if arguments.room else [] if arguments.proof else list(ROOMS)
    proofs = [arguments.proof] if arguments.proof else [] if arguments.room else list(PROOFS)
    missed = [name for name in rooms if not mutate(name, ROOMS[name])]
    missed += [name for name in proofs if not PROOFS[name]()]
    print("every proof holds" if not missed else f"not proven: {', '.join(missed)}")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
