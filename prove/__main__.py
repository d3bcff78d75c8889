"""`make prove`: runs the long proofs, prints what each found, and fails when a promise is not kept."""

import argparse
import sys

from prove.fuzzing import fuzz
from prove.mutation import ROOMS, mutate
from prove.reality import endure


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m prove", description=__doc__)
    parser.add_argument("--room", choices=sorted(ROOMS), help="mutate the rules of one room alone")
    arguments = parser.parse_args()
    missed = [
        name for name, room in ROOMS.items() if arguments.room in {None, name} and not mutate(name, room)
    ]
    if arguments.room is None:
        missed += [name for name, prove in (("fuzzing", fuzz), ("reality", endure)) if not prove()]
    print("every proof holds" if not missed else f"not proven: {', '.join(missed)}")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
