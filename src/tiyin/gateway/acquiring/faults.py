"""What an acquirer that is a process of its own can do wrong, on purpose.

before-drop   hangs up without a word and does nothing
after-drop    does it, and hangs up without a word
late          hangs up without a word, and does it so much later
delay         does it so much later, and answers then
500           answers the status 500; `does` says whether it did it
garbage       answers what is no JSON; `does` says whether it did it
closed        does it, answers half, and hangs up
duplicate     does it twice at the same moment, as when a network delivers twice
"""

from collections.abc import Sequence
from typing import Annotated, Final, Literal, TypeAlias, get_args

import msgspec

from tiyin.runtime.chance import Chance

__all__ = ["OPERATIONS", "Fault", "FaultKind", "FaultUnreadable", "Faults", "OperationName", "read_fault"]

FaultKind: TypeAlias = Literal[
    "before-drop", "after-drop", "late", "delay", "500", "garbage", "closed", "duplicate"
]
OperationName: TypeAlias = Literal["debit", "hold", "capture", "reverse", "status", "day", "card", "phone"]

OPERATIONS: Final[tuple[str, ...]] = get_args(OperationName)
_KINDS: Final[tuple[str, ...]] = get_args(FaultKind)
_SLOW: Final = frozenset({"late", "delay"})
_PARTS_MAX: Final = 4


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule.

    Attributes:
        kind: What goes wrong.
        operation: With which operation, or "any".
        probability: How often, from 0 to 1.
        times: How many times at most; 0 means without end.
        delay_ms: How much later, for "late" and "delay", milliseconds.
        does: For "500" and "garbage": whether the operation is done all the same.
    """

    kind: FaultKind
    operation: OperationName | Literal["any"] = "any"
    probability: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    times: Annotated[int, msgspec.Meta(ge=0)] = 0
    delay_ms: Annotated[int, msgspec.Meta(ge=0, le=600_000)] = 0
    does: bool = True


class FaultUnreadable(ValueError):
    """A rule cannot be read; the text says what it must be."""


class Faults:
    """The rules that are on, and the chance by which they strike.

    Args:
        chance: Draws; a seeded one draws the same way again.
        rules: The rules to begin with.
    """

    def __init__(self, chance: Chance, rules: Sequence[Fault] = ()) -> None:
        self._chance = chance
        self._rules: list[Fault] = []
        self._left: list[int] = []
        self.put(rules)

    @property
    def rules(self) -> tuple[Fault, ...]:
        """The rules that are on."""
        return tuple(self._rules)

    def put(self, rules: Sequence[Fault]) -> None:
        """Let other rules be on instead."""
        self._rules = list(rules)
        self._left = [rule.times for rule in rules]

    def strikes(self, operation: str) -> Fault | None:
        """Draw whether something goes wrong with an operation: the first rule that strikes counts.

        Args:
            operation: Its name; with anything else nothing goes wrong.
        """
        if operation not in OPERATIONS:
            return None
        for place, rule in enumerate(self._rules):
            if rule.operation not in {"any", operation} or (rule.times and not self._left[place]):
                continue
            if self._chance.happens(rule.probability):
                self._left[place] -= 1
                return rule
        return None


def read_fault(text: str) -> Fault:
    """Read a rule as a command line has it: `OPERATION:KIND[:PROBABILITY[:DELAY_MS]]`.

    Args:
        text: Such as `debit:after-drop:0.1` or `any:delay:0.05:2000`.

    Raises:
        FaultUnreadable: If it is none.
    """
    parts = text.split(":")
    if not 2 <= len(parts) <= _PARTS_MAX:
        raise FaultUnreadable("a fault is written OPERATION:KIND[:PROBABILITY[:DELAY_MS]]")
    operation, kind = parts[:2]
    if operation not in {"any", *OPERATIONS}:
        raise FaultUnreadable(f"a fault's operation is any, {', '.join(OPERATIONS)}, not {operation!r}")
    if kind not in _KINDS:
        raise FaultUnreadable(f"a fault's kind is {', '.join(_KINDS)}, not {kind!r}")
    if kind in _SLOW and len(parts) < _PARTS_MAX:
        raise FaultUnreadable(f"a fault of the kind {kind} needs a delay in milliseconds at its end")
    given = {"operation": operation, "kind": kind}
    given.update(zip(("probability", "delay_ms"), parts[2:], strict=False))
    try:
        return msgspec.convert(given, Fault, strict=False)
    except msgspec.ValidationError:
        raise FaultUnreadable(
            "a fault's probability lies between 0 and 1, its delay between 0 and 600000 ms"
        ) from None
