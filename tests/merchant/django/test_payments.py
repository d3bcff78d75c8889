"""Payments in a Django shop's own database: the shop's effect and the transaction are one."""

import contextlib
import threading
import time
from typing import Any, ClassVar

import pytest
from django.db import DatabaseError, OperationalError, connections, transaction
from django.test.utils import CaptureQueriesContext

from helpers_merchant import NOW_MS, TIMEOUT_MS, payme_id
from merchant.django.conftest import SyncPayme, World, clean
from merchant.django.shop.models import Counted, Customer, Effect, GiftOrder, Order
from merchant.django.shop.payme import Shop
from merchant.django.shop.settings import KEY
from tiyin.merchant.api import MerchantApi
from tiyin.merchant.billing import Order as Offer
from tiyin.merchant.integrations.django.models import DeskKey, FiscalDocument, Transaction
from tiyin.merchant.integrations.django.store import DjangoStore
from tiyin.merchant.refusals import CannotPerform
from tiyin.runtime.clock import SystemClock

STEPS = {"create": 1, "perform": 2, "cancel": -2}
ACCOUNT_ERRORS = range(-31099, -31049)


def test_a_payment_and_its_order_are_one(world: World) -> None:
    payme = world.payme
    assert payme.check_perform() == {"allow": True}
    created = payme.create(1)
    assert (created["state"], world.order()) == (1, "reserved")
    assert payme.create(1) == created
    assert payme.create(2) == -31008
    assert payme.check_perform() in ACCOUNT_ERRORS
    performed = payme.perform(1)
    assert (performed["state"], world.order()) == (2, "paid")
    assert payme.perform(1) == performed
    assert payme.create(3) in ACCOUNT_ERRORS
    refunded = payme.cancel(1, 5)
    assert (refunded["state"], world.order()) == (-2, "cancelled")
    assert payme.cancel(1, 5) == refunded
    assert payme.check(1)["reason"] == 5
    assert world.effects() == ["create", "perform", "cancel"]
    assert world.mails() == ["create 01", "perform 01", "cancel 01"]
    assert payme.perform(9) == -31003


def test_how_many_queries_it_takes(world: World) -> None:
    """Goal: a payment costs what a careful view written by hand would cost, and no more."""
    payme = world.payme
    payme.check_perform()
    # A connection of the kit's own is told once how long to wait for a lock.
    bound = int(world.using == "postgres")
    for step, most in (
        # An order, and who holds it.
        (payme.check_perform, 2),
        # Whether the id is known; begin, order, transaction, insert, the shop's two, commit.
        (lambda: payme.create(1), 8),
        # begin, transaction, order, the shop's two, update, commit.
        (lambda: payme.perform(1), 7),
        (lambda: payme.check(1), 1),
    ):
        assert len(queries_of(world, step)) <= most + bound, queries_of(world, step)


def queries_of(world: World, step: Any) -> list[str]:
    """Run a step in this thread, and return its SQL."""
    connection = connections[world.using]
    world.store.stays_in_thread = lambda: True  # type: ignore[method-assign]  # this thread counts
    with CaptureQueriesContext(connection) as captured:
        step()
    del world.store.stays_in_thread
    return [query["sql"] for query in captured.captured_queries]


def test_sqlites_write_lock_is_taken_at_the_beginning(shop_database: str) -> None:
    """Goal: also where the shop's settings do not say so, and its own transactions stay as they are."""
    connections[shop_database].close()
    options = connections.settings[shop_database]["OPTIONS"]
    mode = options.pop("transaction_mode")
    world = World(shop_database)
    try:
        assert "BEGIN IMMEDIATE" in queries_of(world, lambda: world.payme.create(1))
        with CaptureQueriesContext(connections[shop_database]) as captured, transaction.atomic():
            Order.objects.first()
        assert captured.captured_queries[0]["sql"] == "BEGIN"
        answers = world.at_once(*(lambda n=n: world.payme.create(n, n) for n in range(2, 14)))
        assert [answer["state"] for answer in answers] == [1] * 12
    finally:
        options["transaction_mode"] = mode
        world.api.stop_sync()
        connections[shop_database].close()


def fails_with(error: Exception | type[Exception]) -> Any:
    def fail(*_: object) -> None:
        raise error

    return fail


def ends_it(using: str, _: Order) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute("ROLLBACK")


def breaks_a_reference(using: str, _: Order) -> None:
    Effect.objects.using(using).create(name="never", transaction_id="", order_id=999)


def swallows(using: str, order: Order) -> None:
    with contextlib.suppress(DatabaseError):
        Order.objects.using(using).create(number=order.number)
    with contextlib.suppress(DatabaseError), connections[using].cursor() as cursor:
        cursor.execute("SELECT nonsense")


FAILING: dict[str, Any] = {
    "swallows an error": swallows,
    "raises": fails_with(OSError("the disk")),
    "refuses": fails_with(CannotPerform),
    "nonsense": lambda *_: object(),
    "breaks a rule of its table": lambda using, order: Order.objects.using(using).create(number=order.number),
    "breaks a rule that COMMIT looks at": breaks_a_reference,
    "rolls back": lambda using, _: transaction.set_rollback(True, using=using),
    "closes": lambda using, _: connections[using].close(),
    "ends by itself": ends_it,
}


@pytest.mark.parametrize("how", list(FAILING))
def test_a_hook_that_fails_leaves_nothing(world: World, how: str, caplog: pytest.LogCaptureFixture) -> None:
    """Goal: neither the transaction nor the order has moved, nothing is sent, and a repeat completes it."""

    def fail(name: str, order: Order) -> Any:
        return FAILING[how](world.using, order) if name == step else None

    Shop.before = fail
    for step, state in STEPS.items():
        before = world.everything()
        Shop.before = fail
        expected = -31008 if how == "refuses" and step != "cancel" else -32400
        assert getattr(world.payme, step)(1) == expected, step
        assert world.everything() == before, step
        told = "payme_call_failed" in caplog.text and "Traceback" in caplog.text
        assert told is (expected == -32400)
        assert KEY not in caplog.text
        caplog.clear()
        Shop.before = None
        assert getattr(world.payme, step)(1)["state"] == state
    assert world.effects() == ["create", "perform", "cancel"]
    assert world.mails() == ["create 01", "perform 01", "cancel 01"]


def test_a_savepoint_is_the_hooks_own(world: World) -> None:
    def partly(_: str, order: Order) -> None:
        try:
            with transaction.atomic(using=world.using):
                Order.objects.using(world.using).create(number=order.number)
        except DatabaseError:
            Effect.objects.using(world.using).create(name="caught", transaction_id="", order=order)

    Shop.before = partly
    assert world.payme.create(1)["state"] == 1
    assert world.effects() == ["create", "caught"]


def test_a_hook_that_hangs(world: World) -> None:
    """Goal: -32400 within the patience, and what the hook does afterwards is undone."""
    world.payme.create(1)
    before = world.everything()
    world.reopen(patience_s=0.3)
    going_on = threading.Event()
    Shop.before = lambda *_: going_on.wait(30) and None
    assert world.payme.perform(1) == -32400
    going_on.set()
    # Lets what still runs come to its end.
    world.api.stop_sync()
    assert world.everything() == before
    Shop.before = None
    world.reopen()
    assert world.payme.perform(1)["state"] == 2
    assert world.mails() == ["create 01", "perform 01"]


def test_an_order_that_somebody_has_locked(world: World, using: str) -> None:
    """Goal: the call is answered in time, its thread comes free, and later it goes through."""
    world.reopen(patience_s=0.5)
    locked, answered = threading.Event(), threading.Event()

    def forget() -> None:
        with transaction.atomic(using=using):
            Order.objects.using(using).select_for_update().get(pk=1)
            locked.set()
            answered.wait(30)
        connections[using].close()

    somebody = threading.Thread(target=forget)
    somebody.start()
    locked.wait(30)
    assert world.payme.create(1) == -32400
    if using == "postgres":
        # Its thread waits no longer either, though the lock is still there.
        assert waiting_for_locks(using) == 0
    answered.set()
    somebody.join()
    world.api.stop_sync()
    assert world.everything() == ([], [], ["waiting"] * 3)
    world.reopen()
    assert world.payme.create(1)["state"] == 1


def waiting_for_locks(using: str) -> int:
    """Count PostgreSQL's sessions that wait for a lock, once there are none or it takes too long."""
    deadline = time.monotonic() + 20
    while True:
        with connections[using].cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
            waiting: int = cursor.fetchone()[0]
        if waiting == 0 or time.monotonic() > deadline:
            return waiting
        time.sleep(0.05)


class Looking(Shop):
    """Tells how the order's row is locked while `check` has it."""

    seen: ClassVar[list[str]] = []

    def check(self, order: Order, amount_tiyin: int) -> Offer:
        self.seen.append("locked" if is_locked(order, "FOR UPDATE") else "free")
        # What only refers to the order, such as a log, may be written meanwhile.
        assert not is_locked(order, "FOR KEY SHARE")
        return super().check(order, amount_tiyin)


def is_locked(order: Order, how: str) -> bool:
    """Try to lock a row on another connection."""
    other = connections.create_connection(order._state.db or "")  # noqa: SLF001 - documented
    try:
        with other.cursor() as cursor:
            cursor.execute(f"SELECT 1 FROM shop_order WHERE id = %s {how} NOWAIT", (order.pk,))  # noqa: S608 - our own
    except OperationalError:
        return True
    else:
        return False
    finally:
        other.close()


def test_an_order_is_locked_when_a_hook_gets_it(postgres_alias: str) -> None:
    """Goal: looking locks nothing; what will be written was locked before the shop decided anything."""
    clean(postgres_alias)
    Looking.seen.clear()
    api = MerchantApi(Looking(), DjangoStore(postgres_alias), KEY)
    try:
        payme = SyncPayme(api)
        assert payme.check_perform() == {"allow": True}
        assert payme.create(1, time=SystemClock().now_ms())["state"] == 1
        assert Looking.seen == ["free", "locked"]
    finally:
        api.stop_sync()
        connections[postgres_alias].close()


def test_a_serialization_failure_is_run_again(world: World) -> None:
    """Goal: what the database cannot bring into an order is done again, whole, and stands once."""
    tries = 0

    def fail(_: str, order: Order) -> None:
        nonlocal tries
        tries += 1
        with connections[world.using].cursor() as cursor:
            if tries > 2:
                return
            if world.using == "postgres":
                cursor.execute("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40001'; END $$")
            else:
                other = connections.create_connection(world.using)
                try:
                    # A second writer beside this transaction's.
                    other.settings_dict = {**other.settings_dict, "OPTIONS": {"timeout": 0}}
                    Order.objects.using(world.using).filter(pk=order.pk).update(state="seen")
                    other.cursor().execute("UPDATE shop_counted SET times = 1")
                finally:
                    other.close()

    Shop.before = fail
    assert world.payme.create(1)["state"] == 1
    assert (tries, world.effects(), world.order()) == (3, ["create"], "reserved")
    assert world.mails() == ["create 01"]


def test_serializable_shops_conflict_and_lose_nothing(using: str, world: World) -> None:
    """Goal: hooks that count up one row, all at once, at the strictest isolation: every one counts."""
    connection = connections[using]
    if using == "postgres":
        name = connection.settings_dict["NAME"]
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'")
    connection.close()

    def count(_: str, __: Order) -> None:
        row = Counted.objects.using(using).get(pk=1)
        row.times += 1
        row.save()

    Shop.before = count
    try:
        answers = world.at_once(*(lambda n=n: world.payme.create(n, n) for n in range(1, 7)))
        # Payme asks again, too.
        for number, answer in enumerate(answers, 1):
            assert answer == -32400 or answer["state"] == 1
            for _ in range(10):
                if answer != -32400:
                    break
                answer = world.payme.create(number, number)  # noqa: PLW2901 - asked again
            assert answer["state"] == 1
        world.api.stop_sync()
        assert Counted.objects.using(using).get(pk=1).times == 6
        assert world.effects() == ["create"] * 6
    finally:
        connection.close()
        if using == "postgres":
            with connection.cursor() as cursor:
                cursor.execute(f"ALTER DATABASE {name} RESET default_transaction_isolation")
            connection.close()


def test_many_calls_at_once(world: World) -> None:
    """Goal: the same id and two more ids for one order, all at once: one transaction, one effect."""
    payme = world.payme
    answers = world.at_once(*(lambda n=n: payme.create(n % 3, 1) for n in range(9)))
    good = [answer for answer in answers if isinstance(answer, dict)]
    assert len(good) == 3
    assert all(answer == good[0] for answer in good)
    assert answers.count(-31008) == 6
    winner = next(number for number in range(3) if isinstance(answers[number], dict))
    performed = world.at_once(*(lambda: payme.perform(winner) for _ in range(4)))
    assert all(answer == performed[0] for answer in performed)
    cancelled = world.at_once(*(lambda: payme.cancel(winner, 5) for _ in range(4)))
    assert all(answer == cancelled[0] for answer in cancelled)
    assert world.effects() == ["create", "perform", "cancel"]


def test_twelve_hours(world: World) -> None:
    """Goal: whoever notices first, the order is free, and looking alone does it too."""
    payme = world.payme
    payme.create(1)
    world.clock.advance(TIMEOUT_MS)
    assert payme.check_perform() == {"allow": True}
    assert world.order() == "waiting"
    assert payme.check(1)["reason"] == 4
    later = NOW_MS + TIMEOUT_MS
    assert payme.create(2, time=later)["state"] == 1
    assert payme.perform(1) == -31008
    for number in range(3, 14):
        payme.create(number, number, time=later + number)
    world.clock.advance(TIMEOUT_MS + 50)
    assert world.api.expire_due_sync(8) == 8
    assert world.api.expire_due_sync() == 4
    assert world.api.expire_due_sync() == 0
    assert world.order() == world.order(3) == "waiting"


def test_delivered_and_gone(world: World, using: str) -> None:
    payme = world.payme
    payme.create(1)
    payme.perform(1)
    Shop.delivered = True
    before = world.everything()
    assert payme.cancel(1, 5) == -31007
    assert world.everything() == before
    payme.create(2, 7)
    Effect.objects.using(using).filter(order_id=7).delete()
    Order.objects.using(using).filter(pk=7).delete()
    assert payme.cancel(2)["state"] == -1


def test_a_statement(world: World) -> None:
    """Goal: by Payme's time, ties by id, in every state, and only this desk's."""
    for number in range(1, 9):
        world.payme.create(number, number, time=NOW_MS - number // 3)
    world.payme.cancel(4, 3)
    expected = sorted((NOW_MS - number // 3, payme_id(number)) for number in range(1, 9))
    found = world.payme.statement()
    assert [(row["time"], row["id"]) for row in found] == expected
    assert {row["state"] for row in found} == {1, -1}
    assert found[0]["account"] == {"order_id": 6}
    found = world.payme.statement(NOW_MS - 2, NOW_MS - 1)
    assert [(row["time"], row["id"]) for row in found] == expected[:6]


def test_two_desks_share_orders_and_nothing_else(world: World, using: str) -> None:
    other = MerchantApi(Shop(), DjangoStore(using, desk="second", clock=world.clock), KEY, clock=world.clock)
    try:
        second = SyncPayme(other)
        assert world.payme.create(1, 1)["state"] == 1
        assert second.create(2, 1) == -31008
        assert second.create(3, 2)["state"] == 1
        assert second.check(1) == second.perform(1) == -31003
        assert [row["id"] for row in second.statement()] == [payme_id(3)]
        assert [row["id"] for row in world.payme.statement()] == [payme_id(1)]
        assert world.order() == "reserved"
    finally:
        other.stop_sync()


def test_fiscal_data(world: World, using: str) -> None:
    data = {"receipt_id": 1, "qr_code_url": "https://ofd.soliq.uz/epi?t=EP000000000025&r=1"}
    assert world.payme.call("SetFiscalData", id=payme_id(9), type="PERFORM", fiscal_data=data) == -32001
    assert world.effects() == []
    world.payme.create(1)
    for kind, receipt in (("PERFORM", 1), ("CANCEL", 2), ("PERFORM", 3)):
        answer = world.payme.call(
            "SetFiscalData", id=payme_id(1), type=kind, fiscal_data=data | {"receipt_id": receipt}
        )
        assert answer == {"success": True}
    kept = list(FiscalDocument.objects.using(using).order_by("id").values_list("id", "data"))
    assert [key for key, _ in kept] == [f"{payme_id(1)}:CANCEL", f"{payme_id(1)}:PERFORM"]
    assert '"receipt_id":3' in kept[1][1]


def test_another_key(world: World, using: str) -> None:
    new = "another key of thirty-six characters"
    world.reopen(allow_change_password=True)
    newer = SyncPayme(world.api, new)
    assert world.payme.call("ChangePassword", password=new) == {"success": True}
    assert world.payme.check_perform() == {"allow": True}
    assert newer.check_perform() == {"allow": True}
    assert world.payme.check_perform() == -32504
    kept = DeskKey.objects.using(using).get()
    assert new.encode() not in bytes(kept.current)
    assert new not in repr(kept)


def test_connections_are_given_back(world: World, using: str) -> None:
    """Goal: with lasting connections none is left open when the api stops."""
    settings = connections[using].settings_dict
    settings["CONN_MAX_AGE"], before = None, settings["CONN_MAX_AGE"]
    try:
        world.at_once(*(lambda n=n: world.payme.create(n, n) for n in range(1, 7)))
        assert world.store._kept_open  # noqa: SLF001 - what the test is about
        world.api.stop_sync()
        assert not world.store._kept_open  # noqa: SLF001 - the same
        if using == "postgres":
            assert sessions_left(using) == 1
    finally:
        settings["CONN_MAX_AGE"] = before


def sessions_left(using: str) -> int:
    """Count PostgreSQL's sessions in the database; each takes a moment to notice that it was closed."""
    deadline = time.monotonic() + 20
    while True:
        connections[using].close()
        with connections[using].cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
            left: int = cursor.fetchone()[0]
        if left == 1 or time.monotonic() > deadline:
            return left
        time.sleep(0.05)


def test_a_lost_connection_is_replaced(postgres_alias: str) -> None:
    """Goal: the database was restarted between two calls, and nobody notices."""
    using = postgres_alias
    clean(using)
    world = World(using)
    settings = connections[using].settings_dict
    settings["CONN_MAX_AGE"], before = None, settings["CONN_MAX_AGE"]
    try:
        for step, expected in (("create", 1), ("perform", 2), ("check", 2), ("cancel", -2)):
            assert getattr(world.payme, step)(1)["state"] == expected
            with connections[using].cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
        assert world.effects() == ["create", "perform", "cancel"]
    finally:
        world.api.stop_sync()
        connections[using].close()
        settings["CONN_MAX_AGE"] = before


def test_an_order_with_two_tables(world: World, using: str) -> None:
    """Goal: a model with a parent is found and locked, whole."""
    gift = GiftOrder.objects.using(using).create(pk=1000, number="gift")

    class Gifts(Shop):
        model = GiftOrder

    api = MerchantApi(Gifts(), DjangoStore(using, clock=world.clock), KEY, clock=world.clock)
    try:
        assert SyncPayme(api).create(1, gift.pk)["state"] == 1
    finally:
        api.stop_sync()
    assert Transaction.objects.using(using).get().guard == f"shop.giftorder:{gift.pk}"


def test_a_customers_phone_too(world: World, using: str) -> None:
    """Goal: several fields find the order, and the one that leads to nothing is named."""

    class Strict(Shop):
        account_fields = ("order_id", "phone")
        lookups = {"order_id": "number", "phone": "customer__phone"}  # noqa: RUF012 - as shops write it

    customer = Customer.objects.using(using).create(phone="998901234567")
    Order.objects.using(using).filter(pk=1).update(customer=customer)
    api = MerchantApi(Strict(), DjangoStore(using, clock=world.clock), KEY, clock=world.clock)
    payme = SyncPayme(api)

    def look(**account: str) -> Any:
        return payme.call("CheckPerformTransaction", amount=500_000, account=account)

    try:
        assert look(order_id="N1", phone="998901234567") == {"allow": True}
        assert look(order_id="N1", phone="998900000000") in ACCOUNT_ERRORS
        created = payme.call(
            "CreateTransaction",
            id=payme_id(1),
            time=NOW_MS,
            amount=500_000,
            account={"order_id": "N1", "phone": "998901234567"},
        )
        assert created["state"] == 1
    finally:
        api.stop_sync()
