"""Lock the dependencies, with hashes and without naming a registry: `make lock`."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent

for name, extras in (("run", ["gateway", "build"]), ("dev", ["dev", "gateway", "postgres", "build"])):
    subprocess.run(
        [
            sys.executable,
            "-m",
            "piptools",
            "compile",
            "--quiet",
            "--strip-extras",
            "--allow-unsafe",
            "--generate-hashes",
            "--no-emit-index-url",
            "--no-emit-find-links",
            "--no-emit-trusted-host",
            "--no-header",
            *[f"--extra={extra}" for extra in extras],
            f"--output-file=requirements/{name}.txt",
            "pyproject.toml",
        ],
        cwd=ROOT,
        check=True,
    )
