"""`tiyin vault new-key`."""

from tiyin.cli.ending import stop
from tiyin.gateway.vault import KeyRing, KeyRingError, new_vault_key

__all__ = ["print_new_key"]


def print_new_key(name: str) -> None:
    """Print a new vault key in the form that `TIYIN_VAULT_KEYS` takes.

    Args:
        name: The key's name; the card numbers it seals remember it.
    """
    key = new_vault_key(name)
    try:
        KeyRing.read(key)
    except KeyRingError as error:
        stop(f"{error}.")
    # Nothing but the key, so that a script can take the output as it is.
    print(key)  # noqa: T201  # this is the command's output
