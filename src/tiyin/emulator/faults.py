"""The fault rules that are in force, over restarts, until they are taken back or the emulator is reset."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from tiyin.emulator.bodies import BadBody
from tiyin.emulator.directory import Directory, DirectoryRefused
from tiyin.emulator.fault_rules import MALFORMED, Rule
from tiyin.runtime.chance import Chance, SystemChance
from tiyin.runtime.logs import get_logger

__all__ = ["RULES_MAX", "Faults", "faulty_answer"]

RULES_MAX: Final = 200
"""How many rules may be in force at once."""

_log: Final = get_logger("tiyin.emulator.faults")
_MESSAGE: Final = {
    "ru": "Ошибка, заданная правилом эмулятора",
    "uz": "Emulyator qoidasida belgilangan xato",
    "en": "An error made by a rule of the emulator",
}


class _Kept(msgspec.Struct):
    rules: list[Rule]
    last_id: int


class Faults:
    """The rules, in the order in which they were made: of those that fit the first one that hits counts.

    Args:
        directory: Where they are kept.
        chance: Decides whether a rule with a probability hits.

    Raises:
        DirectoryRefused: The file that they are kept in is damaged.
    """

    def __init__(self, directory: Directory, chance: Chance | None = None) -> None:
        self._directory = directory
        self._chance = SystemChance() if chance is None else chance
        self._rules: dict[int, Rule] = {}
        self._last_id = 0
        self._read()

    @property
    def rules(self) -> list[Rule]:
        """The rules, oldest first, those that are spent included."""
        return list(self._rules.values())

    def add(self, rules: Sequence[Rule]) -> list[Rule]:
        """Put rules in force: all of them or none.

        Args:
            rules: What was read.

        Returns:
            The rules with their ids.

        Raises:
            BadBody: There would be too many.
        """
        if len(self._rules) + len(rules) > RULES_MAX:
            raise BadBody(f"There may be {RULES_MAX} rules at once: delete some first.")
        before, last_id = dict(self._rules), self._last_id
        made = []
        for rule in rules:
            self._last_id += 1
            made.append(msgspec.structs.replace(rule, id=self._last_id))
        self._rules |= {rule.id: rule for rule in made}
        try:
            self._write()
        except OSError:
            self._rules, self._last_id = before, last_id
            raise
        return made

    def remove(self, rule_id: int) -> bool:
        """Take a rule back; False when there is none with this id."""
        if rule_id not in self._rules:
            return False
        self._keep_only({one: rule for one, rule in self._rules.items() if one != rule_id})
        return True

    def clear(self) -> int:
        """Take all rules back, and say how many there were."""
        count = len(self._rules)
        self._keep_only({})
        return count

    def _keep_only(self, rules: dict[int, Rule]) -> None:
        """Take rules back; where that cannot be written they stay in force, as a restart would find them."""
        before, self._rules = self._rules, rules
        try:
            self._write()
        except OSError:
            self._rules = before
            raise

    def forget(self) -> None:
        """Take all rules back for a reset."""
        self._rules.clear()
        self._last_id = 0
        self._directory.faults.unlink(missing_ok=True)

    def strike(self, side: str, desk: str | None, method: str | None) -> Rule | None:
        """Draw whether a rule hits an exchange, and count it.

        Args:
            side: Who is asked: `merchant` or `api`.
            desk: The id of the cash desk, where it is known.
            method: The method, where it is known.
        """
        for rule in self._rules.values():
            if rule.fits(side, desk, method) and self._chance.happens(rule.probability):
                struck = msgspec.structs.replace(rule, hits=rule.hits + 1)
                self._rules[rule.id] = struck
                if rule.times is not None:
                    self._remember()
                return struck
        return None

    def _read(self) -> None:
        try:
            kept = msgspec.json.decode(self._directory.faults.read_bytes(), type=_Kept)
        except FileNotFoundError:
            return
        except msgspec.DecodeError as error:
            raise DirectoryRefused(
                f"{self._directory.faults} is not what an emulator writes there: delete it, "
                "or name another directory with --data."
            ) from error
        self._rules = {rule.id: rule for rule in kept.rules}
        self._last_id = kept.last_id

    def _remember(self) -> None:
        """Keep what was counted, so that a restart goes on with it; a full disk stops no payment."""
        try:
            self._write()
        except OSError:
            _log.exception("fault_hits_not_kept")

    def _write(self) -> None:
        content = msgspec.json.encode(_Kept(self.rules, self._last_id))
        self._directory.write(self._directory.faults.name, content, mode=0o600)


def faulty_answer(rule: Rule, request: bytes) -> tuple[int, bytes] | None:
    """Make the answer that stands for the other side's.

    Args:
        rule: The rule that hit.
        request: The request's body; its id is repeated.

    Returns:
        HTTP status and body; None when the rule has the other side answer for itself.
    """
    if rule.fault == "status":
        return rule.status or 500, (rule.body or "").encode()
    if rule.fault == "malformed":
        return 200, (MALFORMED if rule.body is None else rule.body).encode()
    if rule.fault == "error":
        message = rule.message
        if message is None:
            message = _MESSAGE if rule.side == "merchant" else _MESSAGE["ru"]
        error: dict[str, Any] = {"code": rule.code, "message": message}
        if rule.data is not None:
            error["data"] = rule.data
        return 200, msgspec.json.encode({"jsonrpc": "2.0", "id": _id_of(request), "error": error})
    return None


class _Envelope(msgspec.Struct):
    id: int | str | None = None


def _id_of(request: bytes) -> int | str | None:
    try:
        return msgspec.json.decode(request, type=_Envelope).id
    except (msgspec.DecodeError, RecursionError):
        return None
