"""What the repository promises about itself, apart from what its code does."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_lock_names_no_registry_and_hashes_everything(lock: Path) -> None:
    lines = [line for line in lock.read_text().splitlines() if not line.lstrip().startswith("#")]
    text = "\n".join(lines).strip()
    assert not re.search(r"://|--index-url|--extra-index-url|--find-links|file:", text)
    requirements = [part for part in re.split(r"\n(?=[a-z0-9])", text) if part]
    assert len(requirements) > 10
    for requirement in requirements:
        assert "--hash=sha256:" in requirement, requirement.split()[0]


def test_what_runs_is_locked_to_the_same_versions_as_what_is_tested() -> None:
    pins = {
        lock.stem: dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock.read_text(), re.MULTILINE)) for lock in LOCKS
    }
    assert pins["run"].items() <= pins["dev"].items()


def test_one_sqlite_library_in_the_process() -> None:
    """Two SQLite libraries in one process break each other's file locks and lose rows."""
    offenders = [
        path
        for path in (ROOT / "src").rglob("*.py")
        if re.search(r"^\s*(import|from) (sqlite3|aiosqlite|pysqlite)", path.read_text(), re.MULTILINE)
    ]
    assert offenders == []


def test_no_file_is_two_things() -> None:
    long = {
        str(path.relative_to(ROOT)): n
        for path in (ROOT / "src").rglob("*.py")
        if (n := len(path.read_text().splitlines())) > 450
    }
    assert long == {}


def test_the_two_commands_of_the_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    readme = (ROOT / "README.md").read_text()
    named = set(re.findall(r"^make ([a-z]+)", readme, re.MULTILINE))
    assert named <= targets
