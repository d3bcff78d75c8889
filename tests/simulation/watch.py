"""Looks at everything that happens in a run, from outside of the gateway, and says what must not be so.

It knows what the bank's books say, what the merchant believes, what was sent, what was written, and what
clients were told; it shares no code with the gateway but the table of allowed moves.
"""

import json
from collections import Counter
from typing import Any

import msgspec

from simulation.acquirer import Bank, Kept, SimAcquirer
from simulation.books import Books
from simulation.fixture import BASIS_POINTS
from simulation.merchant import Merchant
from simulation.registry import Registry
from simulation.sms import SmsService
from simulation.world import World
from tiyin.gateway.ledger import ENTRIES, Entry
from tiyin.gateway.merchant_calls.calls import TIMEOUT_MS
from tiyin.gateway.notifications.records import MESSAGES
from tiyin.gateway.receipts.people import Signature
from tiyin.gateway.receipts.records import INTERVENTIONS, RECEIPTS, Intervention, Receipt
from tiyin.gateway.receipts.states import may_move

__all__ = ["KEYED", "Watch"]

_PATIENCE_MS = 120_000
_HOLD_MS = 30 * 86_400_000
_DAY_MS = 86_400_000
_WHILE_MS = 900_000
"""Longer than anybody takes who decides something and then writes it."""
_CALLS_MAX = 300
"""More calls for one receipt are a hurry that helps nobody, whoever is away for however many hours."""
_WORKED = frozenset({1, 2, 3, 5, 6, 21, 30})
KEYED = "under the key"
"""What a receipt's description says where it was made under an Idempotency-Key."""
_CALLS = {
    "CreateTransaction": "create",
    "PerformTransaction": "perform",
    "CancelTransaction": "cancel",
}
_INTENTS = {"debit": {"debit"}, "hold": {"hold"}, "capture": {"capture"}, "reverse": {"void", "refund"}}


class Watch:
    """Watches one run.

    Args:
        world: The world.
        bank: The bank's books.
        merchant: The merchant.
        registry: The tax service's books; None where nothing is registered.
    """

    def __init__(self, world: World, bank: Bank, merchant: Merchant, registry: Registry | None) -> None:
        self._registry = registry
        self.books = Books(world)
        self.sms = SmsService(world)
        self._world = world
        self._bank = bank
        self._merchant = merchant
        self.intents: set[tuple[str, str, int]] = set()
        self.times: dict[str, list[int]] = {}
        self.params: dict[str, tuple[Any, Any]] = {}
        self.told: dict[str, list[tuple[float, str, int]]] = {}
        self.cancel_asked: set[str] = set()
        self.cancel_acknowledged: set[str] = set()
        self.by_key: dict[str, str] = {}
        self._reversed_keys: set[str] = set()
        self._calls: Counter[str] = Counter()
        self._decided: set[tuple[str, str, str, str]] = set()
        self._signed: list[Intervention] = []
        self._recorded: set[tuple[str, str, str, str]] = set()
        self.entries: dict[str, list[Entry]] = {}
        world.tables.written = self._written
        world.tables.appended = self._appended
        bank.debited = self._debited
        bank.reversed = self._reversed

    # ---- what is written

    def _written(self, table: Any, before: Any, after: Any) -> None:
        if table is not RECEIPTS:
            if table is MESSAGES:
                self.sms.written(before, after)
            else:
                self.books.written(table, before, after)
            return
        receipt: Receipt = after
        self._world.say("store", f"{receipt.id} is in {receipt.state}, {receipt.step}")
        if receipt.step is not None:
            self.intents.add((receipt.id, receipt.step, receipt.attempt))
        if before is not None:
            self._look_at_move(before, receipt)
            self._look_at_people(before, receipt)
            self._look_at_shares(before, receipt)
        self._look_at_work(receipt)
        kept, held = self._bank.kept_tiyin(receipt.id), self._bank.held_tiyin(receipt.id)
        at_shop = self._merchant.state_of(receipt.id)
        if receipt.state in {0, 50} and (kept or held):
            self._world.problem(f"{receipt.state} was written while {kept} tiyin are kept and {held} held")
        trusted = self._merchant.honest and receipt.route == "billing"
        if receipt.state in {0, 50, 5} and trusted and at_shop == 2 and not receipt.overridden:
            self._world.problem(f"{receipt.state} was written while the merchant has it performed")
        if receipt.state == 4 and kept != receipt.amount_tiyin:
            self._world.problem(f"4 was written while {kept} tiyin are kept")
        if receipt.state == 4 and trusted and at_shop != 2:
            self._world.problem(f"4 was written while the merchant is at {at_shop}")
        if receipt.state == 5 and held != receipt.amount_tiyin and not self._may_have_ended(receipt):
            self._world.problem(f"5 was written while {held} tiyin are held")

    def _may_have_ended(self, receipt: Receipt) -> bool:
        return any(kept.state == "reversed" for kept in self._bank.of(receipt.id))

    def _look_at_move(self, before: Receipt, after: Receipt) -> None:
        if not may_move(after.route, before.state, after.state):
            self._world.problem(f"a move from {before.state} to {after.state} on the {after.route} route")
        if before.state != 0 and after.state != 0 and before.attempt == after.attempt:
            pinned = ("time_ms", "amount_tiyin", "account", "endpoint", "attempt_key", "card_id")
            for name in pinned:
                if name == "time_ms" and before.state in {5, 20}:
                    continue
                if getattr(before, name) != getattr(after, name):
                    self._world.problem(f"{name} changed in the middle of a payment")
        if (before.state == 4) and after.state not in {4, 21}:
            self._world.problem(f"what was paid went to {after.state}")
        late = self._world.now_ms() - before.held_ms > _HOLD_MS + _WHILE_MS
        if (before.state, after.state) == (5, 21) and late and (before.card_mask or "").startswith("9860"):
            self._world.problem("a HUMO hold was cancelled after its thirty days")
        if before.state == 50 and after.state != 50:
            self._world.problem(f"what was cancelled went to {after.state}")
        if before.state == 4 and after.state == 21 and after.id not in self.cancel_asked:
            self._world.problem("a payment is cancelled that nobody asked to cancel")

    def _look_at_shares(self, before: Receipt, after: Receipt) -> None:
        """Insist that who gets how much is as the merchant said it, and never changes any more."""
        created = after.route == "billing" and (before.state, after.state) == (1, 2)
        if not created:
            same = before.shares == after.shares and before.commission_tiyin == after.commission_tiyin
            if before.state != 0 and before.attempt == after.attempt and not same:
                self._world.problem("the shares changed in the middle of a payment")
            return
        shares = _shares_of(after)
        named = self._merchant.named.get(after.id, [])
        wanted = [_wanted(after.amount_tiyin, after.desk_id, each) for each in named]
        if not self._merchant.honest:
            wanted.append(_wanted(after.amount_tiyin, after.desk_id, None))
        if shares not in wanted:
            self._world.problem(f"the shares are {shares}, and the merchant named {wanted}")
        if after.commission_tiyin != sum(commission for _, commission in shares.values()):
            self._world.problem("the commission is not that of the shares")

    def _look_at_people(self, before: Receipt, after: Receipt) -> None:
        """Insist that what only a person may do was decided by one, and is signed in the same commit."""
        signed, self._signed = self._signed, []
        for row in signed:
            name = _name_of(row)
            if name not in self._decided or name in self._recorded or row.receipt_id != after.id:
                self._world.problem(f"{row.who} signed {row.what}, and did not decide it")
            self._recorded.add(name)
        what = signed[0].what if len(signed) == 1 else None
        if len(signed) > 1:
            self._world.problem("two people signed the same move")
        if before.state == 20 and after.state != 20:
            if what is None:
                self._world.problem("a paused receipt went on, and nobody signed it")
            if after.state != before.state_from and (after.state != 50 or what != "override"):
                self._world.problem(f"paused in {before.state_from}, it went on in {after.state}")
        elif what in {"resume", "override"}:
            self._world.problem(f"a person did {what} in {before.state}")
        if after.overridden and not before.overridden and what != "override":
            self._world.problem("the billing is overridden, and nobody decided it")

    def _look_at_work(self, receipt: Receipt) -> None:
        work = receipt.id in self._world.tables.work
        due = receipt.state in _WORKED or bool(getattr(receipt, "fiscal_due", 0))
        if work is not due:
            self._world.problem(f"state {receipt.state} {'with a' if work else 'without its'} work row")

    def _appended(self, table: Any, record: Any) -> None:
        if table is ENTRIES:
            entry: Entry = record
            if entry.amount_tiyin <= 0 or entry.debit == entry.credit:
                self._world.problem(f"the ledger entry {entry.id} does not balance")
            self.entries.setdefault(entry.receipt_id, []).append(entry)
        elif table is INTERVENTIONS:
            self._signed.append(record)

    # ---- what is sent

    def _look_at_lease(self, receipt_id: str, owner: str, longest_ms: int) -> None:
        """Insist on a lease that lasts until the call must be over: drivers look in the very same moment."""
        work = self._world.tables.work.get(receipt_id)
        left_ms = -1 if work is None else work.leased_until - self._world.database_ms()
        if work is None or work.owner != owner or left_ms < longest_ms:
            self._world.problem(f"{owner} makes a call that its lease does not cover ({left_ms} ms left)")

    def sends_to_merchant(self, body: bytes, owner: str) -> None:
        """Look at a request that leaves for the merchant."""
        request = msgspec.json.decode(body)
        method, params = request["method"], request["params"]
        step = _CALLS.get(method)
        if step is None:
            return
        name = params["id"]
        self._calls[name] += 1
        stored: Receipt = self._world.tables.of(RECEIPTS)[name]
        self._look_at_lease(name, owner, TIMEOUT_MS)
        if stored.overridden:
            self._world.problem(f"{method} was sent, and a person had overridden the billing")
        if not any((name, step, attempt) in self.intents for attempt in range(stored.attempt + 1)):
            self._world.problem(f"{method} was sent, and nobody had written that it would be")
        if method == "CreateTransaction":
            self._look_at_create(name, params, stored)
        if method == "CancelTransaction" and stored.step in {"debit", "capture", "create", "hold", "perform"}:
            self._world.problem(f"CancelTransaction was sent while {stored.step} is not known")

    def _look_at_create(self, name: str, params: Any, stored: Receipt) -> None:
        what = (params["amount"], params["account"])
        if self.params.setdefault(name, what) != what:
            self._world.problem("amount or account changed between two CreateTransaction")
        times = self.times.setdefault(name, [])
        if params["time"] not in times:
            times.append(params["time"])
            if len(times) > stored.attempt + (1 if stored.hold else 0):
                self._world.problem("time changed between repeats of one CreateTransaction")

    def sends_to_bank(self, what: str, key: str, now_ms: int, owner: str) -> None:
        """Look at a request that leaves for the bank."""
        name, _, attempt = key.partition("-")
        self._calls[name] += 1
        self._look_at_lease(name, owner, SimAcquirer.timeout_ms)
        if what == "status":
            return
        stored: Receipt | None = self._world.tables.of(RECEIPTS).get(name)
        if stored is None or not any((name, step, int(attempt)) in self.intents for step in _INTENTS[what]):
            self._world.problem(f"{what} {key} was sent, and nobody had written that it would be")
            return
        if what == "reverse":
            self._reversed_keys.add(key)
        elif key in self._reversed_keys:
            self._world.problem(f"a {what} was sent after its money was given back")
        # The sender's own clock says so in the same moment, however long he stood still before.
        late = now_ms - stored.time_ms > _PATIENCE_MS + 2 * self._world.faults.skew_ms
        if late and what in {"debit", "hold"} and stored.attempt == int(attempt):
            self._world.problem(f"a {what} in the payer's absence")

    # ---- what the bank does

    def _debited(self, kept: Kept) -> None:
        name = kept.key[:24]
        self._world.say("bank", f"debits {kept.key}")
        stored: Receipt = self._world.tables.of(RECEIPTS)[name]
        if self._bank.kept_tiyin(name) > stored.amount_tiyin:
            self._world.problem("the payer was debited twice")
        if kept.amount != stored.amount_tiyin:
            self._world.problem(f"the payer was debited {kept.amount} for {stored.amount_tiyin}")

    def _reversed(self, kept: Kept, before: str) -> None:
        name = kept.key[:24]
        self._world.say("bank", f"gives back {kept.key}")
        if before == "debited" and self._merchant.honest and self._merchant.state_of(name) == 2:
            stored: Receipt = self._world.tables.of(RECEIPTS)[name]
            if not getattr(stored, "overridden", 0):
                self._world.problem("the money went back while the merchant has it performed")

    # ---- what clients are told

    def tell(self, method: str, receipt_id: str, state: int, key: str | None) -> None:
        """Note what a client was told of a receipt."""
        if key is not None and self.by_key.setdefault(key, receipt_id) != receipt_id:
            self._world.problem("one Idempotency-Key made two receipts")
        self.told.setdefault(receipt_id, []).append((self._world.loop.time(), method, state))
        if receipt_id not in self._world.tables.of(RECEIPTS):
            self._world.problem(f"{method} answered a receipt that does not exist")
        if method == "receipts.cancel":
            self.cancel_acknowledged.add(receipt_id)

    # ---- what people do

    @property
    def merchant_is_honest(self) -> bool:
        """Whether the merchant can be relied on."""
        return self._merchant.honest

    def person_decides(self, receipt_id: str, what: str, by: Signature) -> None:
        """Note what a person is about to do."""
        self._decided.add((receipt_id, what, by.who, by.why))
        if what != "resume":
            self.cancel_asked.add(receipt_id)

    def person_is_told(self, receipt_id: str, what: str, by: Signature) -> None:
        """Note that a person was told that it is done."""
        if what != "cancel" and (receipt_id, what, by.who, by.why) not in self._recorded:
            self._world.problem(f"{by.who} was told that {what} is done, and nothing says so")

    # ---- the end

    def look_at_end(self) -> None:
        """Compare everybody's belief once all is quiet."""
        for receipt in self._world.tables.of(RECEIPTS).values():
            for problem in self._end_of(receipt):
                self._world.problem(f"{receipt.id} at the end in {receipt.state}: {problem}")
        made = [receipt.description for receipt in self._world.tables.of(RECEIPTS).values()]
        if any(made.count(each) > 1 for each in made if KEYED in each):
            self._world.problem("one Idempotency-Key made two receipts")
        if self._calls and max(self._calls.values()) > _CALLS_MAX:
            self._world.problem(f"a receipt took {max(self._calls.values())} calls")
        if self._one_time_tokens_that_paid_twice():
            self._world.problem("a one-time token paid more than once")
        self.sms.look_at_end()
        if self._world.faults.days:
            self.books.look_at_end()
        for name in self._bank.books:
            if name[:24] not in self._world.tables.of(RECEIPTS):
                self._world.problem(f"the bank knows {name}, and no receipt does")

    def _lapsed_long_ago(self, receipt: Receipt) -> bool:
        now_ms = self._world.now_ms()
        return any(
            kept.state == "reversed" and now_ms - kept.at_ms > _HOLD_MS + _DAY_MS + _WHILE_MS
            for kept in self._bank.of(receipt.id)
        )

    def _one_time_tokens_that_paid_twice(self) -> set[str]:
        paid = [
            receipt.token_id
            for receipt in self._world.tables.of(RECEIPTS).values()
            if receipt.token_id is not None and self._bank.kept_tiyin(receipt.id)
        ]
        return {token_id for token_id in paid if paid.count(token_id) > 1}

    def _end_of(self, receipt: Receipt) -> list[str]:
        found = []
        kept, held = self._bank.kept_tiyin(receipt.id), self._bank.held_tiyin(receipt.id)
        at_shop = self._merchant.state_of(receipt.id)
        trusted = self._merchant.honest and receipt.route == "billing" and not receipt.overridden
        if receipt.state in _WORKED - {5}:
            found.append(f"it is not settled ({receipt.step}, tried {receipt.tries} times)")
        if receipt.state == 4 and kept != receipt.amount_tiyin:
            found.append(f"paid, and the bank keeps {kept}")
        if receipt.state in {0, 50, 5} and kept:
            found.append(f"not paid, and the bank keeps {kept}")
        if receipt.state not in {5, 20, 6} and held:
            found.append(f"the bank still holds {held}")
        if receipt.state == 5 and self._lapsed_long_ago(receipt):
            found.append("its hold ended a day ago, and nobody has noticed")
        if receipt.overridden and receipt.state not in {50, 20}:
            found.append("overridden, and not given back")
        if trusted and receipt.state == 4 and at_shop != 2:
            found.append(f"paid, and the merchant has it at {at_shop}")
        if trusted and receipt.state in {0, 50, 5} and at_shop == 2:
            found.append("not paid, and the merchant has it performed")
        found.extend(self._wrong_ledger(receipt, kept, held))
        found.extend(self._wrongly_told(receipt))
        found.extend(self._wrongly_registered(receipt))
        return found

    def _wrong_ledger(self, receipt: Receipt, kept: int, held: int) -> list[str]:
        if receipt.state == 20:
            return []
        balances: dict[str, int] = {}
        for entry in self.entries.get(receipt.id, []):
            balances[entry.debit] = balances.get(entry.debit, 0) + entry.amount_tiyin
            balances[entry.credit] = balances.get(entry.credit, 0) - entry.amount_tiyin
        left = {account: balance for account, balance in balances.items() if balance}
        expected: dict[str, int] = {}
        if receipt.state == 4:
            shares = _shares_of(receipt)
            expected = {f"desk:{desk}": commission - amount for desk, (amount, commission) in shares.items()}
            expected["acquirer"] = kept
            expected["commission"] = -sum(commission for _, commission in shares.values())
            expected = {account: balance for account, balance in expected.items() if balance}
        elif receipt.state == 5:
            expected = {"acquirer-holds": held, "held": -held} if held else left
        return [] if left == expected else [f"the ledger says {left} and should say {expected}"]

    def _wrongly_registered(self, receipt: Receipt) -> list[str]:
        """Compare what the tax service has and what the merchant was told with what became of the receipt."""
        if self._registry is None or receipt.state == 20:
            return []
        # What names no goods is not registered.
        was_paid = bool(receipt.pay_time_ms) and receipt.detail is not None
        expected = {"PERFORM": was_paid, "CANCEL": was_paid and receipt.state == 50}
        found = []
        for kind, wanted in expected.items():
            registered = self._registry.books.get((receipt.id, kind))
            told = self._merchant.fiscal.get((receipt.id, kind), [])
            if (registered is not None) is not wanted:
                found.append(f"{kind} is {'not ' if wanted else ''}registered with the tax service")
            if any(each["fiscal_sign"] != registered for each in told):
                found.append(f"the merchant was told another {kind} than was registered")
            # Whoever answers SetFiscalData wrongly is not asked again.
            heard = self._merchant.kind in {"kit", "loose"} and receipt.route == "billing"
            if wanted and heard and not told:
                found.append(f"the merchant was not told of {kind}")
        return found

    def _wrongly_told(self, receipt: Receipt) -> list[str]:
        found = []
        states = [state for _, _, state in self.told.get(receipt.id, [])]
        if 4 in states and receipt.state not in {4, 21, 50, 20}:
            found.append("somebody was told that it is paid")
        if 4 in states and receipt.state == 50 and receipt.id not in self.cancel_asked:
            found.append("somebody was told that it is paid, and nobody asked to cancel it")
        if 50 in states and receipt.state != 50:
            found.append("somebody was told that it is cancelled")
        explained = receipt.state == 4 and (receipt.error is not None or receipt.cancel_reason is not None)
        if receipt.id in self.cancel_acknowledged and receipt.state not in {50, 20} and not explained:
            found.append("a cancel was acknowledged, and nothing says why it is not cancelled")
        return found


def _name_of(row: Intervention) -> tuple[str, str, str, str]:
    return row.receipt_id, row.what, row.who, row.why


_Shares = dict[str, tuple[int, int]]
"""Amount and commission by desk."""


def _shares_of(receipt: Receipt) -> _Shares:
    """Read who gets how much of a receipt."""
    if receipt.shares is None:
        return {receipt.desk_id: (receipt.amount_tiyin, receipt.commission_tiyin)}
    return {desk: (amount, commission) for desk, amount, commission in json.loads(receipt.shares)}


def _wanted(amount: int, own: str, receivers: Any) -> _Shares | None:
    """Reckon who is to get how much of a payment; None where it cannot be split so."""
    parts: dict[str, int] = {}
    for receiver in receivers or [{"id": own, "amount": amount}]:
        parts[receiver["id"]] = parts.get(receiver["id"], 0) + receiver["amount"]
    if sum(parts.values()) != amount or not parts.keys() <= BASIS_POINTS.keys():
        return None
    return {desk: (part, (part * BASIS_POINTS[desk] + 5_000) // 10_000) for desk, part in parts.items()}
