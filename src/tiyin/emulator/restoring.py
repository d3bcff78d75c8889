"""Putting a whole state in the place of another: either all of it comes, or none of it.

What is to come is written into a folder beside the living files. Giving that folder its final name is the one
moment that decides: before it a crash leaves the old state, after it the next start finishes what was begun.
"""

import contextlib
import os
import shutil
import sys
from pathlib import Path
from typing import Final

__all__ = ["RESTORED", "decide", "finish", "new_stage", "sync_folder"]

RESTORED: Final = ("gateway.db", "shop.db", "inbox.jsonl", "clock.json")
"""The files that are a state. All of them are staged, an empty one too: none of the old ones may stay."""

_STAGE: Final = ".restoring.new"
_DECIDED: Final = ".restoring"
_SIDE_FILES: Final = ("-wal", "-shm", "-journal")


def new_stage(path: Path) -> Path:
    """Make an empty folder for what is to come; one that was left behind undecided is forgotten.

    Args:
        path: The data directory.

    Raises:
        OSError: It cannot be written.
    """
    stage = path / _STAGE
    _remove(stage)
    stage.mkdir(mode=0o700)
    return stage


def decide(path: Path) -> None:
    """Decide that the staged state is the state. Nothing may have the databases open.

    Args:
        path: The data directory, with a stage whose files are durable.

    Raises:
        OSError: It could not be decided (the old state stays), or not finished (the next start does).
    """
    stage = path / _STAGE
    if any(not (stage / name).is_file() for name in RESTORED):
        raise FileNotFoundError(f"{stage} is not whole")
    _finish_decided(path)
    sync_folder(stage)
    stage.rename(path / _DECIDED)
    sync_folder(path)
    _finish_decided(path)


def finish(path: Path) -> None:
    """Finish what an earlier process decided, and forget what it did not. Harmless when repeated.

    Args:
        path: The data directory; nothing has its databases open.

    Raises:
        OSError: It cannot be written.
    """
    _finish_decided(path)
    _remove(path / _STAGE)


def _finish_decided(path: Path) -> None:
    """Bring each file of a decided state to its place; those that are there already have left the folder."""
    decided = path / _DECIDED
    if not decided.is_dir():
        return
    for name in RESTORED:
        staged = decided / name
        if not staged.exists():
            continue
        # The log of the old database must not be played onto the new one.
        for ending in _SIDE_FILES:
            (path / (name + ending)).unlink(missing_ok=True)
        staged.replace(path / name)
    sync_folder(path)
    _remove(decided)


def sync_folder(path: Path) -> None:
    """Make names in a folder durable, where the system can."""
    if sys.platform == "win32":
        return
    folder = os.open(path, os.O_RDONLY)
    try:
        # Some file systems cannot; then nobody could.
        with contextlib.suppress(OSError):
            os.fsync(folder)
    finally:
        os.close(folder)


def _remove(folder: Path) -> None:
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder)
