"""The service that brings SMS, and what must hold of every message on its way to it."""

from collections import Counter
from typing import Any

from simulation.loop import Life
from simulation.network import Network
from simulation.world import World
from tiyin.gateway.notifications.port import SEND_S, SendingLater, SendingRefused, SendingUnknown
from tiyin.gateway.notifications.records import MESSAGES, MessageRow
from tiyin.runtime.http import NoAnswer, NotSent

__all__ = ["SimSms", "SmsService"]

_TIMEOUT_S = 8.0
_TRIES_MAX = 8
_UNKNOWN_MAX = 2


class SmsService:
    """The service, and who watches over its messages.

    Args:
        world: The world.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._phones: dict[str, str] = {}
        self._accepted: Counter[str] = Counter()
        self._keyed: set[str] = set()
        self._handed: Counter[str] = Counter()
        self.arrived: Counter[str] = Counter()

    def asked(self, receipt_id: str, phone: str, key: str | None) -> None:
        """Note that somebody will ask for messages about a receipt: all to a phone of its own."""
        self._phones[phone] = receipt_id
        if key is not None:
            self._keyed.add(receipt_id)

    def accepted(self, receipt_id: str) -> None:
        """Note that somebody was told that a message will be sent."""
        self._accepted[receipt_id] += 1

    def answer(self, phone: str) -> str:
        """Take a message, or not."""
        if self._world.happens(self._world.faults.sms_wrong):
            return self._world.chance.choice(("busy", "busy", "no such phone"))
        self.arrived[phone] += 1
        return "sent"

    def _rows_of(self, receipt_id: str) -> list[MessageRow]:
        return [row for row in self._world.tables.of(MESSAGES).values() if row.receipt_id == receipt_id]

    def handed(self, phone: str, owner: str) -> None:
        """Look at a message that is handed over: its try was counted before, and by who holds the lease."""
        self._handed[phone] += 1
        rows = self._rows_of(self._phones[phone])
        if self._handed[phone] > sum(row.tries for row in rows):
            self._world.problem("a message was handed over, and nobody had counted the try")
        work = [self._world.tables.work.get(row.id) for row in rows]
        until = [each.leased_until for each in work if each is not None and each.owner == owner]
        if max(until, default=0) - self._world.database_ms() < SEND_S * 1000:
            self._world.problem(f"{owner} sends a message that its lease does not cover")

    def written(self, before: Any, after: MessageRow) -> None:
        """Look at a message that is written."""
        problem = self._world.problem
        self._world.say("store", f"the message is {after.state}, tried {after.tries} times")
        if (after.id in self._world.tables.work) is not (after.state == "waiting"):
            problem(f"a message is {after.state}, and its work row does not say so")
        if after.tries > _TRIES_MAX or after.unknown > _UNKNOWN_MAX:
            problem(f"a message was tried {after.tries} times, {after.unknown} of them nobody knows how")
        if before is not None and before.state != "waiting":
            problem(f"a message that was {before.state} became {after.state}")
        phone = next((each for each, name in self._phones.items() if name == after.receipt_id), "")
        if after.state == "sent" and not self.arrived[phone]:
            problem("a message is said to be sent, and did not arrive")
        given_up = after.tries == _TRIES_MAX or after.unknown == _UNKNOWN_MAX
        if after.state == "failed" and not given_up and after.error not in {"no_such_phone", "out_of_date"}:
            problem(f"a message was given up after {after.tries} tries: {after.error}")
        if after.state != "waiting" and after.sealed:
            problem("what a message said is kept after its end")

    def look_at_end(self) -> None:
        """Insist that everything that was promised was sent or given up."""
        for receipt_id, count in self._accepted.items():
            rows = self._rows_of(receipt_id)
            if len(rows) < (1 if receipt_id in self._keyed else count):
                self._world.problem("a message was promised, and nobody knows it")
            if receipt_id in self._keyed and len(rows) > 1:
                self._world.problem("one Idempotency-Key made two messages")
        if any(row.state == "waiting" for row in self._world.tables.of(MESSAGES).values()):
            self._world.problem("a message still waits at the end")


class SimSms:
    """The port of one process.

    Args:
        network: The network.
        service: Who is at its other end.
        life: Whose it is.
    """

    def __init__(self, network: Network, service: SmsService, life: Life) -> None:
        self._network = network
        self._service = service
        self._life = life
        self.owner = ""

    async def send_sms(self, phone: str, text: str) -> None:
        """Send; see the port."""
        self._service.handed(phone, self.owner)
        try:
            answer = await self._network.ask(
                self._life.name, "an SMS", lambda: self._service.answer(phone), _TIMEOUT_S, self._life
            )
        except NotSent as failed:
            raise SendingLater("no_connection") from failed
        except NoAnswer as failed:
            raise SendingUnknown("no_answer") from failed
        if answer == "busy":
            raise SendingLater("busy")
        if answer != "sent":
            raise SendingRefused("no_such_phone")
