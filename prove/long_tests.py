"""The tests that are marked `long`: what `make test` does in part, done whole."""

import subprocess
import sys
from pathlib import Path

__all__ = ["run_long_tests"]

ROOT = Path(__file__).parent.parent


def run_long_tests() -> bool:
    """Run them, and print what came of it.

    Returns:
        Whether all of them passed.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "worksteal", "-m", "long"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    last = ran.stdout.strip().rpartition("\n")[2]
    print(f"long        {last if not ran.returncode else ran.stdout[-6000:]}", flush=True)
    return ran.returncode == 0
