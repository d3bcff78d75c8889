"""SMS over SMPP: the packets, the alphabets, and a sender against an SMSC over real TCP."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers_smpp import BAD_RECEIVER, THROTTLED, Smsc
from tiyin.gateway.notifications.port import SendingFailed, SendingLater, SendingRefused, SendingUnknown
from tiyin.gateway.notifications.smpp import SmppAccount, SmppSender
from tiyin.gateway.notifications.smpp_pdu import (
    DELIVER_SM,
    ENQUIRE_LINK,
    UNBIND,
    Bind,
    Packet,
    PduError,
    Submit,
    read_bind,
    read_head,
    read_packet,
    read_submit,
    write_bind,
    write_packet,
    write_submit,
)
from tiyin.gateway.notifications.sms_coding import GSM_7, UCS_2, code_sms, count_parts, plain_sms
from tiyin.runtime.tasks import Tasks

PHONE = "998901234531"
WORD = st.integers(0, 0xFFFFFFFF)
BYTE = st.integers(0, 255)
ASCII = st.text(st.characters(min_codepoint=1, max_codepoint=127), max_size=8)


@given(WORD, WORD, WORD, st.binary(max_size=300))
def test_a_packet_is_read_as_it_was_written(command: int, status: int, number: int, body: bytes) -> None:
    packet = Packet(command, status, number, body)
    data = write_packet(packet)
    assert read_head(data) == len(data)
    assert read_packet(data) == packet


@given(ASCII, ASCII, ASCII)
def test_a_bind_is_read_as_it_was_written(system_id: str, password: str, system_type: str) -> None:
    bind = Bind(system_id, password, system_type)
    assert read_bind(write_bind(bind)) == bind


@given(ASCII, ASCII, st.binary(max_size=400), BYTE, BYTE, BYTE, st.booleans())
def test_a_submit_is_read_as_it_was_written(
    source: str, destination: str, text: bytes, ton: int, esm_class: int, coding: int, payload: bool
) -> None:
    submit = Submit(
        source=source,
        source_ton=ton,
        destination=destination,
        text=text,
        esm_class=esm_class,
        data_coding=coding,
        payload=payload or len(text) > 254,
    )
    body = write_submit(submit)
    assert read_submit(body) == submit
    for cut in range(len(body)):
        with contextlib.suppress(PduError):
            assert read_submit(body[:cut]) != submit


@given(st.binary(max_size=100))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    for read in (read_packet, read_bind, read_submit):
        with contextlib.suppress(PduError):
            read(data)


def test_the_packets_of_the_specification() -> None:
    # SMPP 3.4, 3.2.4.1 draws a bind_transmitter of this form; the transceiver differs in its command alone.
    data = write_packet(Packet(0x09, 0, 1, write_bind(Bind("SMPP3TEST", "secret08", "SUBMIT1"))))
    assert data.hex() == (
        "0000002f00000009000000000000000153"
        "4d50503354455354007365637265743038005355424d4954310034000000"
    )  # fmt: skip


def decode(text: str) -> str:
    """Read a coded text back, part by part, as a phone would."""
    coded = code_sms(text)
    if coded.data_coding == UCS_2:
        return "".join(part.decode("utf-16-be") for part in coded.parts)
    return "".join(part.decode("ascii") for part in coded.parts)


@given(
    st.text(
        st.characters(min_codepoint=0x400, max_codepoint=0x1F9FF, exclude_categories=["Cs"]),
        min_size=1,
        max_size=500,
    )
)
def test_no_part_divides_a_character_nor_is_too_long(text: str) -> None:
    coded = code_sms(text)
    assert coded.data_coding in (GSM_7, UCS_2)
    limit = 160 if coded.data_coding == GSM_7 else 140
    assert all(len(part) <= limit for part in coded.parts)
    if coded.data_coding == UCS_2:
        assert decode(text) == text
    if len(coded.parts) > 1:
        assert all(len(part) <= (153 if coded.data_coding == GSM_7 else 134) for part in coded.parts)


@pytest.mark.parametrize(
    ("text", "coding", "parts"),
    [
        ("a" * 160, GSM_7, 1),
        ("a" * 161, GSM_7, 2),
        ("a" * 306, GSM_7, 2),
        ("a" * 307, GSM_7, 3),
        ("я" * 70, UCS_2, 1),
        ("я" * 71, UCS_2, 2),
        ("я" * 134, UCS_2, 2),
        ("я" * 135, UCS_2, 3),
        ("€" * 80, GSM_7, 1),
        ("€" * 81, GSM_7, 2),
        ("toʻlov «Doʻkon» — 5 000 soʻm", GSM_7, 1),
        ("", GSM_7, 1),
    ],
)
def test_alphabets_and_parts(text: str, coding: int, parts: int) -> None:
    assert code_sms(text).data_coding == coding
    assert count_parts(text) == parts


def test_the_seven_bit_alphabet() -> None:
    assert code_sms("@£$Ü§à{€").parts == (bytes([0, 1, 2, 0x5E, 0x5F, 0x7F, 0x1B, 0x28, 0x1B, 0x65]),)
    assert plain_sms("oʻ") == "o'"
    assert plain_sms("oʻ и «я»") == "oʻ и «я»", "nothing is won here"


@pytest.fixture
async def smsc() -> AsyncIterator[Smsc]:
    async with Smsc() as smsc:
        yield smsc


@pytest.fixture
async def tasks() -> AsyncIterator[Tasks]:
    tasks = Tasks()
    yield tasks
    await tasks.drain(0)


Make = Callable[..., SmppSender]


@pytest.fixture
async def make(smsc: Smsc, tasks: Tasks) -> AsyncIterator[Make]:
    made: list[SmppSender] = []

    def sender(**changes: object) -> SmppSender:
        account = SmppAccount(
            host="127.0.0.1", port=smsc.port, system_id="tiyin", password="secret", source="Tiyin"
        )
        made.append(SmppSender(msgspec.structs.replace(account, **changes), tasks))
        return made[-1]

    yield sender
    for one in made:
        await one.close()


async def test_many_messages_go_over_one_connection(smsc: Smsc, make: Make) -> None:
    sender = make(window=4)
    await asyncio.gather(*(sender.send_sms(PHONE, f"message {number}") for number in range(50)))
    assert smsc.binds == 1
    assert sorted(submit.text for submit in smsc.taken) == sorted(
        f"message {number}".encode() for number in range(50)
    )
    first = smsc.taken[0]
    assert (first.source, first.source_ton, first.destination, first.destination_ton) == (
        "Tiyin",
        5,
        PHONE,
        1,
    )
    await sender.close()
    assert smsc.unbound == 1


async def test_a_long_message_goes_in_parts_or_whole(smsc: Smsc, make: Make) -> None:
    text = "Счёт " * 40
    await make().send_sms(PHONE, text)
    assert len(smsc.taken) == count_parts(text) == 3
    heads = [submit.text[:6] for submit in smsc.taken]
    assert [head[:3] + head[4:] for head in heads] == [bytes((5, 0, 3, 3, part)) for part in (1, 2, 3)]
    assert len({head[3] for head in heads}) == 1
    assert {submit.esm_class for submit in smsc.taken} == {0x40}
    assert b"".join(submit.text[6:] for submit in smsc.taken).decode("utf-16-be") == text
    smsc.taken.clear()

    await make(payload=True).send_sms(PHONE, text)
    (whole,) = smsc.taken
    assert whole.payload
    assert whole.text.decode("utf-16-be") == text
    assert whole.esm_class == 0


@pytest.mark.parametrize(
    ("script", "kind", "word"),
    [
        ([THROTTLED], SendingLater, "throttled"),
        ([BAD_RECEIVER], SendingRefused, "receiver"),
        ([0x4FF], SendingLater, "status_4ff"),
        (["cut"], SendingUnknown, "connection_lost"),
        (["silent"], SendingUnknown, "timeout"),
    ],
)
async def test_what_an_answer_means(
    smsc: Smsc, make: Make, script: list[int | str], kind: type[SendingFailed], word: str
) -> None:
    smsc.script = list(script)
    sender = make(answer_s=0.5)
    with pytest.raises(SendingFailed) as failed:
        await sender.send_sms(PHONE, "text")
    assert type(failed.value) is kind
    assert failed.value.word == word
    assert len(smsc.taken) == 1, "it never repeats on its own"
    await sender.send_sms(PHONE, "the next one arrives")


async def test_a_message_of_which_a_part_is_on_its_way_is_unknown(smsc: Smsc, make: Make) -> None:
    smsc.script = [0, THROTTLED]
    with pytest.raises(SendingUnknown):
        await make().send_sms(PHONE, "Счёт " * 40)


async def test_answers_may_come_in_any_order(smsc: Smsc, make: Make) -> None:
    smsc.script = ["later"]
    sender = make()
    first = asyncio.ensure_future(sender.send_sms(PHONE, "first"))
    while not smsc.taken:  # noqa: ASYNC110 - the SMSC's list is what is waited for
        await asyncio.sleep(0)
    await sender.send_sms(PHONE, "second")
    assert not first.done()
    smsc.let_go.set()
    await first


async def test_a_lost_connection_is_made_anew(smsc: Smsc, make: Make) -> None:
    sender = make()
    await sender.send_sms(PHONE, "one")
    smsc.hang_up()
    sent = 0
    async with asyncio.timeout(30):
        while sent < 2:
            # What is begun in the very moment of the loss is unknown; afterwards all goes well again.
            try:
                await sender.send_sms(PHONE, "two")
                sent += 1
            except SendingUnknown:
                await asyncio.sleep(0)
    assert smsc.binds == 2


async def test_nothing_there_and_a_wrong_password_are_for_later(smsc: Smsc, make: Make) -> None:
    with pytest.raises(SendingLater, match="not_connected"):
        await make(port=1).send_sms(PHONE, "text")
    with pytest.raises(SendingLater, match="password"):
        await make(password="wrong").send_sms(PHONE, "text")
    assert smsc.taken == []


async def test_a_quiet_connection_is_tested_and_a_dead_one_given_up(smsc: Smsc, make: Make) -> None:
    sender = make(enquire_s=0.05, answer_s=0.2)
    await sender.send_sms(PHONE, "one")
    async with asyncio.timeout(30):
        while smsc.enquiries < 2:  # noqa: ASYNC110 - the SMSC's count is what is waited for
            await asyncio.sleep(0.01)
    assert smsc.binds == 1
    smsc.answers_enquiries = False
    async with asyncio.timeout(30):
        while smsc.binds < 2:
            with contextlib.suppress(SendingUnknown):
                await sender.send_sms(PHONE, "two")
            await asyncio.sleep(0.1)  # quiet for long enough to be tested


async def test_the_smscs_own_requests_are_answered(smsc: Smsc, make: Make) -> None:
    sender = make()
    await sender.send_sms(PHONE, "one")
    smsc.ask(ENQUIRE_LINK)
    smsc.ask(DELIVER_SM, b"\0" * 17)
    async with asyncio.timeout(30):
        await smsc.delivered.wait()
    await sender.send_sms(PHONE, "two")
    assert smsc.binds == 1
    smsc.ask(UNBIND)
    async with asyncio.timeout(30):
        while smsc.binds < 2:
            try:
                await sender.send_sms(PHONE, "three")
            except SendingUnknown:
                await asyncio.sleep(0)


async def test_what_cannot_be_written_is_refused_and_nothing_shows_the_password(make: Make) -> None:
    sender = make()
    with pytest.raises(SendingRefused, match="not_sendable"):
        await sender.send_sms("9" * 30, "text")
    assert "secret" not in repr(sender)
