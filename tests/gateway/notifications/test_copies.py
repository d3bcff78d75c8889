"""A payer's own copy of a receipt: what it says, the file that goes along, and how often it is sent."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from helpers_checkout import DESK
from helpers_mail import MailServer
from helpers_payer_receipt import receipt_of
from tiyin.gateway.cards.limits import Limit
from tiyin.gateway.metadata import metadata
from tiyin.gateway.notifications.file_messages import FileMessages
from tiyin.gateway.notifications.invoices import Copy, InvoiceLimits, Invoices
from tiyin.gateway.notifications.mail import MailAccount, MailSender
from tiyin.gateway.notifications.outbox import Message, Outbox, Senders
from tiyin.gateway.notifications.port import (
    ATTACHMENT_BYTES_MAX,
    Attachment,
    Letter,
    LogMessages,
    SendingLater,
)
from tiyin.gateway.notifications.records import MESSAGES
from tiyin.gateway.notifications.texts import Facts, Purpose, copy_of
from tiyin.gateway.vault import KeyRing, Vault, new_vault_key
from tiyin.protocol.errors import RpcError
from tiyin.protocol.values import LANGUAGES, Language
from tiyin.runtime.clock import ManualClock
from tiyin.runtime.ids import SeededIds
from tiyin.runtime.tasks import Tasks
from tiyin.storage import Decision, Schedule, Store, open_store

RECEIPT = receipt_of()
PDF = Attachment("receipt-80.pdf", "application/pdf", b"%PDF-1.7 secret \xff\x00")
ACCOUNT = (("Заказ", "197"), ("Телефон", "99890*****67"))
FACTS = Facts(name="Shop", amount_tiyin=500_000, link="https://x.uz/")
PURPOSES: tuple[Purpose, ...] = ("paid", "held", "refunded")
NASTY = '<script>alert("&")</script>\r\nBcc: all@example.uz'


class Postman:
    """Keeps letters; fails as it is told first."""

    def __init__(self) -> None:
        self.failures: list[Exception] = []
        self.letters: list[Letter] = []

    async def send_mail(self, letter: Letter) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.letters.append(letter)


class Office:
    """An outbox that sends copies, with its parts at hand."""

    def __init__(self, store: Store) -> None:
        self.store, self.clock, self.tasks = store, ManualClock(), Tasks()
        self.vault, self.postman = Vault(KeyRing.read(new_vault_key())), Postman()
        senders = Senders(sms=LogMessages(), mail=self.postman)
        self.outbox = Outbox(store, self.clock, SeededIds(), self.tasks, self.vault, senders, owner="test")
        few = Limit(2, 60_000)
        limits = InvoiceLimits(copies_of_receipt=few, copies_to_address=few, copies_by_browser=few)
        self.invoices = Invoices(
            store, self.clock, self.vault, self.outbox, "https://pay.example.uz/", limits=limits
        )
        self.printed = 0

    async def print(self) -> Attachment:
        self.printed += 1
        return PDF

    async def send(
        self,
        name: str,
        *,
        receipt: str = RECEIPT.id,
        address: str = "payer@example.uz",
        browser: str = "b",
    ) -> str:
        of = msgspec.structs.replace(RECEIPT, id=receipt)
        copy = Copy(
            address=address,
            purpose="paid",
            account=ACCOUNT,
            attach=self.print,
            browser=browser,
            message_id=f"{receipt}-{name}",
        )
        return await self.invoices.send_copy(DESK, of, "ru", copy)

    async def deliver(self) -> list[Letter]:
        await self.outbox.run_once()
        while len(self.tasks):  # noqa: ASYNC110 - the tasks' end is what is waited for
            await asyncio.sleep(0)
        return self.postman.letters


@pytest.fixture
async def office(sqlite_url: str) -> AsyncIterator[Office]:
    store = await open_store(sqlite_url)
    await store.create_tables(metadata)
    yield Office(store)
    await store.close()


async def test_a_copy_arrives_with_its_file(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    await store.create_tables(metadata)
    office = Office(store)
    office.postman.failures = [SendingLater("throttled")]
    with caplog.at_level(logging.DEBUG):
        message_id = await office.send("one")
        row = await office.store.get(MESSAGES, message_id)
        assert await office.deliver() == []
    assert row is not None
    assert (row.purpose, row.receipt_id, row.receiver) == ("copy", RECEIPT.id, "p***@example.uz")
    assert b"secret" not in row.sealed
    assert "payer@example.uz" not in caplog.text
    # It comes through again whole, after it was stored and failed.
    await office.store.change(
        MESSAGES, message_id, lambda held: Decision(None, held, work=Schedule(message_id, "message-email"))
    )
    (letter,) = await office.deliver()
    assert (letter.receiver, letter.attachment) == ("payer@example.uz", PDF)
    assert letter.subject.replace("\u00a0", " ") == "Чек: Бозор: лавка специй, 5 000 сум"
    link = f"https://pay.example.uz/checkout/{RECEIPT.id}/receipt?lang=ru"
    for said in ("Платёж выполнен", "Заказ: 197", "99890*****67", link, "приложен"):
        assert said in letter.text
    ended = await office.store.get(MESSAGES, message_id)
    assert ended is not None
    assert (ended.state, ended.sealed) == ("sent", b"")


async def test_the_same_form_is_one_letter_and_one_file(office: Office) -> None:
    assert len({await office.send("one") for _ in range(6)}) == 1
    assert office.printed == 1
    assert len(await office.deliver()) == 1
    assert await office.send("one") == f"{RECEIPT.id}-one", "also after it was sent"


async def test_forms_sent_at_one_moment_are_one_letter(office: Office) -> None:
    await asyncio.gather(office.send("one"), office.send("one"))
    assert len(await office.deliver()) == 1


@pytest.mark.parametrize(
    ("same", "said"),
    [
        ({"address": "Payer@Example.uz"}, "to this address"),
        ({"receipt": "3" * 24}, "This receipt was sent many times"),
        ({"browser": "one"}, "from this device"),
    ],
)
async def test_each_of_three_is_bounded(office: Office, same: dict[str, str], said: str) -> None:
    for number in range(3):
        other = {
            "address": f"p{number}@example.uz",
            "receipt": f"{number}" * 24,
            "browser": f"b{number}",
        }
        given = {**other, **same}
        if "address" in same and number:
            given["address"] = given["address"].lower()
        if number < 2:
            await office.send(f"n{number}", **given)
            continue
        with pytest.raises(RpcError) as refused:
            await office.send(f"n{number}", **given)
        assert (refused.value.code, refused.value.data) == (-31610, "email")
        assert said in refused.value.message.en
        assert office.printed == 2, "no file is written for what is not sent"
        office.clock.advance(60_000)
        await office.send(f"n{number}", **given)
    counted = await office.store.query(metadata.tables["counts"].select())
    assert not [row for row in counted if "example" in str(row).lower()], "no address is stored"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_copy_says_what_happened_and_no_value_makes_markup(purpose: Purpose, language: Language) -> None:
    facts = Facts(name=NASTY, amount_tiyin=500_000, link="https://x.uz/?a=1&b=2", account=((NASTY, NASTY),))
    letter = copy_of(purpose, language, facts, "payer@example.uz")
    assert "<script" not in letter.html
    assert "\n" not in letter.subject
    assert "https://x.uz/?a=1&b=2" in letter.text
    assert 'href="https://x.uz/?a=1&amp;b=2"' in letter.html
    assert letter.html.startswith(f'<!DOCTYPE html><html lang="{language}">')
    assert not [line for line in letter.text.splitlines() if line.startswith("Bcc")]
    assert letter.subject != copy_of(purpose, language, FACTS, "payer@example.uz").subject


def test_what_happened_is_the_heading() -> None:
    titles = {copy_of(purpose, "en", FACTS, "a@b.uz").text.splitlines()[0] for purpose in PURPOSES}
    assert titles == {"Payment made", "Money held on the card", "Money returned to the card"}


async def test_a_file_that_is_too_large_is_not_taken(office: Office) -> None:
    def message(size: int) -> Message:
        file = Attachment("x.pdf", "application/pdf", b"x" * size)
        return Message(way="email", receiver="a@b.uz", text="t", purpose="copy", attachment=file)

    await office.outbox.post(message(ATTACHMENT_BYTES_MAX))
    with pytest.raises(ValueError, match="at most"):
        await office.outbox.post(message(ATTACHMENT_BYTES_MAX + 1))
    (letter,) = await office.deliver()
    assert letter.attachment is not None
    assert len(letter.attachment.content) == ATTACHMENT_BYTES_MAX


async def test_whether_anybody_brings_mail(office: Office) -> None:
    assert office.invoices.sends_mail
    sms = LogMessages()
    assert [Senders(sms=sms).serves(way) for way in ("sms", "email", "telegram")] == [True, False, False]
    assert Senders(sms=sms, mail=office.postman).serves("email")


async def test_a_mail_server_takes_the_file_as_it_is() -> None:
    with MailServer() as server:
        account = MailAccount(host="127.0.0.1", port=server.port, source="pay@example.uz", security="none")
        letter = Letter("payer@example.uz", "Чек", "Чек приложен\n", "<p>Чек</p>", PDF)
        await MailSender(account).send_mail(letter)
    (got,) = server.letters
    (file,) = got.iter_attachments()
    assert (file.get_filename(), file.get_content_type()) == (PDF.name, PDF.media_type)
    assert file.get_content() == PDF.content
    plain, html = got.get_body(["plain"]), got.get_body(["html"])
    assert plain is not None
    assert html is not None
    assert (plain.get_content(), html.get_content()) == ("Чек приложен\r\n", "<p>Чек</p>\r\n")


async def test_a_file_of_messages_names_what_goes_along(tmp_path: Path) -> None:
    sender = FileMessages(tmp_path / "messages.jsonl", ManualClock(7))
    await sender.send_mail(Letter("payer@example.uz", "s", "t", "h", PDF))
    await sender.send_mail(Letter("payer@example.uz", "s", "t", "h"))
    lines = (tmp_path / "messages.jsonl").read_bytes().splitlines()
    first, second = (msgspec.json.decode(line) for line in lines)
    assert first["attachment"] == "receipt-80.pdf"
    assert b"secret" not in lines[0]
    assert sorted(second) == ["at_ms", "html", "receiver", "subject", "text", "way"]


def test_nothing_shows_the_payer_or_the_file() -> None:
    copy = Copy(
        address="payer@example.uz", purpose="paid", account=ACCOUNT, attach=_none, browser="b", message_id="m"
    )
    shown = repr(copy) + repr(PDF) + repr(Letter("payer@example.uz", "s", "t", "h", PDF))
    for secret in ("payer", "secret", "197", "67"):
        assert secret not in shown


async def _none() -> Attachment:
    return PDF
