"""Real processes, killed and cut off for long: thousands of payments, and one lost leader after another.

It runs the tests of `tests/kill/test_serve_killed.py` and `tests/failover` with more of everything.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = ["endure"]

ROOT = Path(__file__).parent.parent
PROOFS = (
    ("tests/kill/test_serve_killed.py", {"TIYIN_PROOF_PAYMENTS": "3000"}),
    ("tests/failover", {"TIYIN_PROOF_PAYMENTS": "1000", "TIYIN_PROOF_ROUNDS": "8"}),
)


def endure() -> bool:
    """Kill, cut off and fail over for long, and print what came of it.

    Returns:
        Whether every book agreed to the tiyin.
    """
    held = True
    with tempfile.TemporaryDirectory(prefix="tiyin-reality-") as folder:
        told = Path(folder) / "told"
        for tests, more in PROOFS:
            told.write_text("")
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", tests]
            environment = {**os.environ, **more, "TIYIN_PROOF_REPORT": str(told)}
            ran = subprocess.run(
                command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
            )
            print(told.read_text(), end="", flush=True)
            if ran.returncode:
                held = False
                print(f"reality     {tests} failed:\n{ran.stdout[-6000:]}", flush=True)
    return held
