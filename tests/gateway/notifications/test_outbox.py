"""The outbox over both databases: nothing is lost, nothing is sent twice that was known to be sent."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import msgspec
import pytest

from tiyin.gateway.metadata import metadata
from tiyin.gateway.notifications.delivery import TRIES_MAX, UNKNOWN_MAX, begin_try, end_try
from tiyin.gateway.notifications.outbox import Message, Outbox, Senders
from tiyin.gateway.notifications.port import (
    Letter,
    SendingFailed,
    SendingLater,
    SendingRefused,
    SendingUnknown,
)
from tiyin.gateway.notifications.records import FAILED, MESSAGES, SENT, WAITING, MessageRow
from tiyin.gateway.vault import KeyRing, Vault, new_vault_key
from tiyin.runtime.chance import SeededChance
from tiyin.runtime.clock import ManualClock
from tiyin.runtime.ids import SeededIds
from tiyin.runtime.tasks import Tasks
from tiyin.storage import Decision, Lease, Schedule, StorageUnavailable, Store, WorkChange

PHONE = "998901234531"
RECEIPT = "2e0b1bc1f1eb50d487ba268d"
TEXT = "Payment 482913"
OLD_KEY = new_vault_key("old")


class Scripted:
    """Every way of sending; answers as it was told to, then takes everything."""

    def __init__(self) -> None:
        self.answers: list[BaseException | None] = []
        self.sent: list[tuple[str, str, str]] = []
        self.held: asyncio.Event | None = None

    async def _take(self, way: str, receiver: str, text: str) -> None:
        self.sent.append((way, receiver, text))
        if self.held is not None:
            await self.held.wait()
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer

    async def send_sms(self, phone: str, text: str) -> None:
        await self._take("sms", phone, text)

    async def send_mail(self, letter: Letter) -> None:
        await self._take("email", letter.receiver, letter.text)

    async def send_telegram(self, chat_id: str, html: str) -> None:
        await self._take("telegram", chat_id, html)


class Desk:
    """An outbox with its parts at hand."""

    def __init__(self, store: Store, vault: Vault | None = None) -> None:
        self.store = store
        self.clock = ManualClock()
        self.sender = Scripted()
        self.tasks = Tasks()
        self.vault = vault or Vault(KeyRing.read(OLD_KEY))
        self.outbox = Outbox(
            store,
            self.clock,
            SeededIds(),
            self.tasks,
            self.vault,
            Senders(sms=self.sender, mail=self.sender, telegram=self.sender),
            owner="test",
            chance=SeededChance(),
        )

    async def row(self, message_id: str) -> MessageRow:
        row = await self.store.get(MESSAGES, message_id)
        assert row is not None
        return row

    async def make_due(self, message_id: str) -> None:
        """Bring the next try forward: its pause runs on the database's own clock."""
        row = await self.row(message_id)
        await self.store.change(
            MESSAGES,
            message_id,
            lambda held: Decision(None, held, work=Schedule(row.id, f"message-{row.way}")),
        )

    async def work(self) -> int:
        """Take up what is due and wait for its end."""
        count = await self.outbox.run_once()
        async with asyncio.timeout(60):
            while len(self.tasks):  # noqa: ASYNC110 - the tasks' end is what is waited for
                await asyncio.sleep(0)
        return count


@pytest.fixture
async def desk(store: Store) -> AsyncIterator[Desk]:
    await store.create_tables(metadata)
    made = Desk(store)
    yield made
    await made.tasks.drain(0)


def sms(**values: object) -> Message:
    given = {"way": "sms", "receiver": PHONE, "text": TEXT, "purpose": "invoice"} | values
    return msgspec.convert(given, Message)


async def test_a_message_of_each_way_is_sent_once(desk: Desk) -> None:
    ids = [
        await desk.outbox.post(sms()),
        await desk.outbox.post(sms(way="email", receiver="payer@example.uz", subject="s", html="<p>h</p>")),
        await desk.outbox.post(sms(way="telegram", receiver="777")),
    ]
    assert await desk.work() == 3
    assert await desk.work() == 0
    assert sorted(desk.sender.sent) == [
        ("email", "payer@example.uz", TEXT),
        ("sms", PHONE, TEXT),
        ("telegram", "777", TEXT),
    ]
    rows = [await desk.row(one) for one in ids]
    assert {(row.state, row.tries, row.sealed) for row in rows} == {(SENT, 1, b"")}
    assert [row.receiver for row in rows] == ["99890*****31", "p***@example.uz", "***77"]


async def test_what_it_says_is_not_in_the_database_nor_in_the_log(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.sender.answers = [SendingLater("throttled"), RuntimeError(f"{PHONE} {TEXT}")]
    with caplog.at_level(logging.DEBUG):
        message_id = await desk.outbox.post(sms())
        row = await desk.row(message_id)
        await desk.work()
        await desk.make_due(message_id)
        await desk.work()
    assert "sender_failed" in caplog.text
    for secret in (PHONE, "482913"):
        assert secret not in caplog.text
        assert secret not in repr(row) + repr(sms())
        assert secret.encode() not in msgspec.json.encode(row)
        assert secret.encode() not in row.sealed


async def test_what_was_certainly_not_sent_is_sent_again_until_it_is(desk: Desk) -> None:
    desk.sender.answers = [SendingLater("throttled")] * (TRIES_MAX - 1)
    message_id = await desk.outbox.post(sms())
    for tries in range(1, TRIES_MAX):
        assert await desk.work() == 1
        row = await desk.row(message_id)
        assert (row.state, row.tries, row.error) == (WAITING, tries, "throttled")
        assert await desk.work() == 0, "it waits"
        await desk.make_due(message_id)
    assert await desk.work() == 1
    assert (await desk.row(message_id)).state == SENT
    assert len(desk.sender.sent) == TRIES_MAX


@pytest.mark.parametrize(
    ("answers", "sent", "error"),
    [
        ([SendingRefused("receiver")], 1, "receiver"),
        ([SendingUnknown("timeout")] * 9, UNKNOWN_MAX, "timeout"),
        ([SendingLater("throttled")] * 20, TRIES_MAX, "throttled"),
        ([RuntimeError("a bug")] * 9, UNKNOWN_MAX, "sender_failed"),
    ],
)
async def test_it_is_given_up(desk: Desk, answers: list[BaseException | None], sent: int, error: str) -> None:
    desk.sender.answers = list(answers)
    message_id = await desk.outbox.post(sms())
    for _ in range(sent):
        assert await desk.work() == 1
        if (await desk.row(message_id)).state == WAITING:
            await desk.make_due(message_id)
    row = await desk.row(message_id)
    assert (row.state, row.error, row.sealed) == (FAILED, error, b"")
    assert len(desk.sender.sent) == sent
    assert await desk.store.work.backlog() == 0


async def test_what_is_out_of_date_is_not_sent(desk: Desk) -> None:
    message_id = await desk.outbox.post(sms(good_for_ms=60_000))
    desk.clock.advance(60_000)
    assert await desk.work() == 1
    assert desk.sender.sent == []
    row = await desk.row(message_id)
    assert (row.state, row.error, row.tries) == (FAILED, "out_of_date", 0)


async def test_a_way_that_nobody_serves_ends_at_once(desk: Desk) -> None:
    bare = Outbox(
        desk.store, desk.clock, SeededIds(), desk.tasks, desk.vault, Senders(sms=desk.sender), owner="bare"
    )
    message_id = await desk.outbox.post(sms(way="telegram"))
    await bare.run_once()
    while len(desk.tasks):  # noqa: ASYNC110 - the tasks' end is what is waited for
        await asyncio.sleep(0)
    row = await desk.row(message_id)
    assert (row.state, row.error) == (FAILED, "no_telegram_sender")


async def test_once_means_once_also_while_the_vaults_keys_are_turned(desk: Desk) -> None:
    message = sms(receipt_id=RECEIPT, once=True)
    first = await desk.outbox.post(message)
    assert first.startswith(RECEIPT)
    both = await asyncio.gather(*(desk.outbox.post(message) for _ in range(5)))
    turned = Desk(desk.store, Vault(KeyRing.read(f"{new_vault_key('new')},{OLD_KEY}")))
    assert {first, *both, await turned.outbox.post(message)} == {first}
    other = await desk.outbox.post(sms(receipt_id=RECEIPT, once=True, purpose="paid"))
    assert other != first
    await desk.work()
    assert len(desk.sender.sent) == 2
    assert await desk.outbox.post(message) == first
    assert await desk.work() == 0
    with pytest.raises(ValueError, match="names the receipt"):
        await desk.outbox.post(sms(once=True))


async def test_a_process_that_dies_while_sending_costs_one_unknown_try(desk: Desk) -> None:
    message_id = await desk.outbox.post(sms())
    for died in range(1, UNKNOWN_MAX + 1):
        (lease,) = await desk.store.work.claim("message-sms", "dies", 60_000, 1)
        desk.sender.held = asyncio.Event()
        dying = asyncio.ensure_future(desk.outbox.deliver(lease))
        while len(desk.sender.sent) < died:  # noqa: ASYNC110 - the sender is a list
            await asyncio.sleep(0)
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
        assert (await desk.row(message_id)).tries == died
        await desk.store.work.release(lease)
    desk.sender.held = None
    assert await desk.work() == 1
    row = await desk.row(message_id)
    assert (row.state, row.error, len(desk.sender.sent)) == (FAILED, "no_answer", UNKNOWN_MAX)


async def test_a_database_that_is_away_after_the_sending_makes_no_second_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_id = await desk.outbox.post(sms())
    change, calls = desk.store.change, 0

    async def away(*given: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls in (2, 3):
            raise StorageUnavailable("gone")
        return await change(*given, **named)

    monkeypatch.setattr(desk.store, "change", away)
    (lease,) = await desk.store.work.claim("message-sms", "here", 60_000, 1)
    delivering = asyncio.ensure_future(desk.outbox.deliver(lease))
    while not delivering.done():
        await desk.clock.run(500)
        await asyncio.sleep(0.001)
    await delivering
    assert (await desk.row(message_id)).state == SENT
    assert len(desk.sender.sent) == 1


async def test_stopping_waits_for_what_is_being_sent(desk: Desk) -> None:
    message_id = await desk.outbox.post(sms())
    desk.sender.held = asyncio.Event()
    await desk.outbox.run_once()
    while not desk.sender.sent:  # noqa: ASYNC110 - the sender is a list
        await asyncio.sleep(0)
    stopping = asyncio.ensure_future(desk.outbox.stop())
    await asyncio.sleep(0)
    assert not stopping.done()
    desk.sender.held.set()
    await stopping
    assert (await desk.row(message_id)).state == SENT


async def test_a_lease_that_ends_too_soon_sends_nothing(desk: Desk) -> None:
    await desk.outbox.post(sms())
    (lease,) = await desk.store.work.claim("message-sms", "slow", 3_000, 1)
    await desk.outbox.deliver(lease)
    assert desk.sender.sent == []
    assert await desk.work() == 1
    assert len(desk.sender.sent) == 1


async def test_a_count_that_took_long_to_be_written_sends_nothing(desk: Desk) -> None:
    class Slow(Lease, frozen=True):
        def left_ms(self) -> int:
            return left_ms.pop(0) if left_ms else super().left_ms()

    left_ms = [20_000, 9_999]
    message_id = await desk.outbox.post(Message(way="sms", receiver=PHONE, text=TEXT, purpose="invoice"))
    (lease,) = await desk.store.work.claim("message-sms", "test", 60_000, 1)
    await desk.outbox.deliver(Slow(lease.key, lease.kind, lease.epoch, lease.until))
    row = await desk.row(message_id)
    assert (row.state, row.tries, row.unknown, row.error) == (WAITING, 1, 0, "lease_too_short")
    assert not desk.sender.sent
    await desk.make_due(message_id)
    await desk.work()
    assert [sent for _, _, sent in desk.sender.sent] == [TEXT]


async def test_a_message_that_is_gone_leaves_no_work(desk: Desk) -> None:
    message_id = await desk.outbox.post(sms())
    assert await desk.store.forget(MESSAGES, desk.clock.now_ms() + 1, 10) == 1
    await desk.work()
    assert await desk.store.work.backlog() == 0
    assert await desk.store.get(MESSAGES, message_id) is None


async def test_a_lost_lease_writes_nothing(desk: Desk) -> None:
    message_id = await desk.outbox.post(sms())
    (lease,) = await desk.store.work.claim("message-sms", "late", 60_000, 1)
    stale = Lease(lease.key, lease.kind, lease.epoch + 1, lease.until)
    with pytest.raises(Exception, match="lease"):
        await desk.outbox.deliver(stale)
    assert desk.sender.sent == []
    assert (await desk.row(message_id)).tries == 0


ROW = MessageRow(
    RECEIPT, "sms", "invoice", None, None, "***", b"sealed", WAITING, 1, 0, "no_answer", 0, 86_400_000
)  # fmt: skip


def pauses(failures: Sequence[SendingFailed], share: Callable[[int], float]) -> list[int]:
    """Follow a message through failures, and list what it waits between its tries."""
    row, now_ms, waited = msgspec.structs.replace(ROW, tries=0, error=None), 0, []
    for number, failure in enumerate(failures):
        begun = begin_try(row, now_ms).answer
        assert begun is not None
        ended = end_try(begun, failure, now_ms, share(number))
        work: WorkChange | None = ended.work
        assert ended.answer is not None
        if not isinstance(work, Schedule):
            break
        row = ended.answer
        waited.append(work.next_in_ms)
        now_ms += work.next_in_ms
    return waited


def test_pauses_grow_from_seconds_to_hours_and_end_within_a_day() -> None:
    later = [SendingLater("throttled")] * 20
    longest = pauses(later, lambda _: 1.0)
    assert longest == [5_000, 20_000, 60_000, 300_000, 900_000, 3_600_000, 14_400_000]
    assert pauses(later, lambda _: 0.0) == [pause // 2 for pause in longest]


def test_a_service_that_says_when_is_believed() -> None:
    assert pauses([SendingLater("throttled", after_ms=77_000)], lambda _: 0.5) == [77_000]
    assert pauses([SendingLater("throttled", after_ms=86_400_000)], lambda _: 0.5) == []


def test_what_ended_is_never_touched_again() -> None:
    for state in (SENT, FAILED):
        row = msgspec.structs.replace(ROW, state=state)
        assert begin_try(row, 0).answer is None
        assert begin_try(row, 0).record is None
        assert not end_try(row, None, 0, 0.5).writes
