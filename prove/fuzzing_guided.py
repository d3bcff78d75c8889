"""One target under atheris: `python -m prove.fuzzing_guided TARGET FOLDER [libFuzzer's options]`.

What is watched is instrumented while it is imported, so it is imported here and nowhere before. The fuzzer
ends the process on the spot: whoever started it removes the folder.
"""

import sys
from pathlib import Path

import atheris  # type: ignore[import-untyped, import-not-found, unused-ignore]

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]


def main() -> None:
    name, place = sys.argv.pop(1), Path(sys.argv.pop(1))
    watched = ["tiyin.protocol", "tiyin.runtime", "tiyin.merchant", "tiyin.gateway"]
    with atheris.instrument_imports(include=watched):
        from prove.fuzzing import opened  # noqa: PLC0415 - instrumented, so imported here
    with opened(name, place) as one:
        atheris.Setup(sys.argv, one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
