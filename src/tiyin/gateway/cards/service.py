"""Cards: made, verified, checked, removed, and lent to payments.

Documentation: subscribe-api/cards.create, cards.get_verify_code, cards.verify, cards.check, cards.remove
"""

from collections.abc import Mapping

import msgspec

from tiyin.gateway.cards.codes import WAIT_MS, Codes
from tiyin.gateway.cards.issuer import Issuer
from tiyin.gateway.cards.limits import CARD_TRIES, CODE_TRIES, CodeLimits, Tries
from tiyin.gateway.cards.numbers import is_expired, read_expire, read_number
from tiyin.gateway.cards.records import LIVE, TOKENS, TokenRow
from tiyin.gateway.cards.safe import CardDetails, CardSafe
from tiyin.gateway.cards.tokens import (
    PayingCard,
    add_token,
    check_opens,
    hash_token,
    release_token,
    remove_token,
    reserve_token,
    spend_token,
    token_id_of,
    verify_token,
)
from tiyin.gateway.desks.records import Desk
from tiyin.gateway.notifications.port import Messages, mask_phone
from tiyin.gateway.notifications.texts import code_text
from tiyin.gateway.vault import Vault
from tiyin.protocol.errors import RpcError, SubscribeCode
from tiyin.protocol.receipt import expire_slashed
from tiyin.protocol.subscribe_api import CardAnswer, CodeSent
from tiyin.protocol.values import Language, mask_card_number
from tiyin.runtime.clock import Clock
from tiyin.runtime.ids import Ids, new_code, new_token
from tiyin.storage.store import Store
from tiyin.storage.tables import Decision

__all__ = ["Cards"]


class Cards:
    """The gateway's cards and tokens.

    Args:
        store: Where they are kept.
        clock: Tells which cards have expired.
        ids: Names cards.
        vault: Seals their numbers.
        issuer: Knows which cards exist, and their phones.
        messages: Sends the codes.
        limits: How many codes may be asked for.
        wait_ms: How long until another code may be asked for, milliseconds.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Ids,
        vault: Vault,
        issuer: Issuer,
        messages: Messages,
        *,
        limits: CodeLimits | None = None,
        wait_ms: int = WAIT_MS,
    ) -> None:
        self._store = store
        self._clock = clock
        self._vault = vault
        self._issuer = issuer
        self._safe = CardSafe(store, clock, ids, vault)
        self._limits = CodeLimits() if limits is None else limits
        self._codes = Codes(store, clock, vault, messages, wait_ms=wait_ms)
        # What payers try on the checkout's pages. A merchant's server is one payer for all of these, so that
        # the Subscribe API counts codes only.
        self.card_tries = Tries(
            store, clock, vault, what="card-try", code=SubscribeCode.CARD_WRONG, limits=CARD_TRIES
        )
        self.code_tries = Tries(
            store, clock, vault, what="code-try", code=SubscribeCode.CODE_TRIES_EXCEEDED, limits=CODE_TRIES
        )

    async def create(
        self,
        desk: Desk,
        *,
        number: str,
        expire: str,
        save: bool = False,
        account: Mapping[str, str | int] | None = None,
        customer: str | None = None,
        amount_tiyin: int | None = None,
        token: str | None = None,
    ) -> CardAnswer:
        """Make a token of a card.

        Args:
            desk: Whose token it will be.
            number: As the payer typed it.
            expire: ``0399`` or ``03/99``.
            save: Whether it is good for more than one payment.
            account: What the merchant wants kept with it.
            customer: The merchant's name of the payer.
            amount_tiyin: The only amount that the token will pay; None lets it pay any.
            token: What `new_token` made and the token is to be; one that was made so already is answered, and
                nothing is done. None makes a fresh one.

        Raises:
            RpcError: -31300 (no such card, wrong expiry, expired, blocked), -31900 (neither Uzcard nor HUMO),
                -31601 (the desk is blocked). Nothing is stored then.

        Documentation: subscribe-api/cards.create
        """
        if token is not None and (made := await self._store.get(TOKENS, token_id_of(token))) is not None:
            return _answer(check_opens(made, token, desk.id), token)
        if not desk.active:
            raise RpcError(SubscribeCode.MERCHANT_NOT_FOUND)
        number = read_number(number, is_test_card=self._issuer.is_test_card)
        expire = read_expire(expire)
        if is_expired(expire, self._clock.now_ms()):
            raise RpcError(SubscribeCode.CARD_WRONG, data="expire")
        await self._issuer.check(number, expire)
        card_id = await self._safe.keep(number, expire)
        token = new_token() if token is None else token
        row = TokenRow(
            id=token_id_of(token),
            desk_id=desk.id,
            card_id=card_id,
            secret_hash=hash_token(token),
            number=mask_card_number(number),
            expire=expire,
            save=int(save),
            verified=0,
            amount_tiyin=amount_tiyin,
            account=None if account is None else msgspec.json.encode(account).decode(),
            customer=customer,
            state=LIVE,
            receipt_id=None,
            attempt=0,
            created_at_ms=self._clock.now_ms(),
        )
        row = await self._store.change(TOKENS, row.id, lambda held: add_token(held, row))
        return _answer(check_opens(row, token, desk.id), token)

    async def get_verify_code(self, desk: Desk, token: str, *, language: Language = "ru") -> CodeSent:
        """Send a code to the card's phone; within `wait` of the last one only the rest of it is told.

        Args:
            desk: Who asks.
            token: The card's token.
            language: The payer's, for the message.

        Raises:
            RpcError: -31400, -32500; -31301 (SMS informing is not connected); -31110 (not sent, or too many).

        Documentation: subscribe-api/cards.get_verify_code
        """
        row = await self._live(desk, token)
        card = await self.open(row.card_id)
        phone = await self._issuer.phone_of(card.number, card.expire)
        wait_ms = await self._codes.wait_of(row.id)
        if not wait_ms:
            # A test card's code is known to everybody and costs no SMS: limits would guard nothing there.
            if phone.code is None:
                await self._codes.allow(
                    (
                        (f"desk:{desk.id}", self._limits.desk),
                        (f"phone:{self._vault.fingerprint(phone.number, 'phone')}", self._limits.phone),
                        (f"card:{self._safe.fingerprint(card.number)}", self._limits.card),
                    )
                )
            code = new_code() if phone.code is None else phone.code
            text = code_text(language, code=code, last=card.number[-4:], name=desk.name)
            wait_ms = await self._codes.send(row.id, code, phone.number, text)
        return CodeSent(sent=True, phone=mask_phone(phone.number), wait_ms=wait_ms)

    async def verify(self, desk: Desk, token: str, code: str) -> CardAnswer:
        """Prove with the code that the card is the payer's; the token stays the same.

        Args:
            desk: Who asks.
            token: The card's token.
            code: What the payer typed.

        Raises:
            RpcError: -31400, -32500; -31101 (expired), -31102 (too many tries), -31103 (wrong).

        Documentation: subscribe-api/cards.verify
        """
        row = await self._live(desk, token)
        mark = await self._codes.judge(row.id, code)
        # The token first: should the process end here, the code is still good and the payer repeats.
        row = await self._store.change(
            TOKENS, row.id, lambda held: verify_token(check_opens(held, token, desk.id))
        )
        await self._codes.close(row.id, mark)
        return _answer(row, token)

    async def check(self, desk: Desk, token: str) -> CardAnswer:
        """Tell about a token.

        Raises:
            RpcError: -31400 (unknown, another desk's, removed, spent), -32500 (malformed).

        Documentation: subscribe-api/cards.check
        """
        return _answer(await self._live(desk, token), token)

    async def remove(self, desk: Desk, token: str) -> None:
        """Forget a token.

        Raises:
            RpcError: -31400 (unknown, another desk's, removed, spent), -32500 (malformed).

        Documentation: subscribe-api/cards.remove
        """
        token_id = token_id_of(token)
        await self._store.change(
            TOKENS, token_id, lambda held: remove_token(check_opens(held, token, desk.id))
        )

    async def reserve(
        self, desk: Desk, token: str, receipt_id: str, amount_tiyin: int, *, attempt: int
    ) -> PayingCard:
        """Let a token pay a receipt; a one-time token is reserved for it. Repeats answer the same.

        Args:
            desk: Whose receipt it is.
            token: The card's token.
            receipt_id: The receipt.
            amount_tiyin: Its amount.
            attempt: Which attempt to pay it; no other may begin under this reservation.

        Raises:
            TokenReserved: -31400 (reserved for another receipt).
            RpcError: -31400 (unknown, another desk's, removed, unverified, spent on another receipt), -31610
                with data `amount` (made for another amount), -32500 (malformed).
        """
        decision = await self._reservable(desk, token, receipt_id, amount_tiyin, attempt)
        if decision.record is None:
            return decision.answer
        return await self._store.change(
            TOKENS,
            decision.answer.token_id,
            lambda held: reserve_token(
                check_opens(held, token, desk.id), receipt_id, amount_tiyin, attempt=attempt
            ),
        )

    async def paying_card(self, desk: Desk, token: str, receipt_id: str, amount_tiyin: int) -> PayingCard:
        """Answer what `reserve` would, and reserve nothing: for recognising a repeat of a payment.

        Raises:
            RpcError: As `reserve`.
        """
        return (await self._reservable(desk, token, receipt_id, amount_tiyin, 0)).answer

    async def _reservable(
        self, desk: Desk, token: str, receipt_id: str, amount_tiyin: int, attempt: int
    ) -> Decision[PayingCard]:
        held = await self._store.get(TOKENS, token_id_of(token))
        return reserve_token(check_opens(held, token, desk.id), receipt_id, amount_tiyin, attempt=attempt)

    async def release(self, token_id: str, receipt_id: str, attempt: int) -> None:
        """Let go of a one-time token whose attempt took nothing, once it is over and never before.

        Harmless to repeat, and for saved tokens.
        """
        await self._store.change(TOKENS, token_id, lambda held: release_token(held, receipt_id, attempt))

    async def spend(self, token_id: str, receipt_id: str) -> None:
        """Use a one-time token up; harmless when repeated, and for saved tokens."""
        await self._store.change(TOKENS, token_id, lambda held: spend_token(held, receipt_id))

    async def open(self, card_id: str) -> CardDetails:
        """Give a card's number, for the acquirer's call only.

        Raises:
            LookupError: If there is no such card.
            SealBroken: If the stored number was tampered with or its key is gone.
        """
        return await self._safe.open(card_id)

    async def reseal(self) -> int:
        """Seal the numbers that are under an older vault key anew, with their fingerprints.

        Returns:
            How many cards were changed.
        """
        return await self._safe.reseal()

    async def _live(self, desk: Desk, token: str) -> TokenRow:
        row = check_opens(await self._store.get(TOKENS, token_id_of(token)), token, desk.id)
        if row.state != LIVE:
            raise RpcError(SubscribeCode.CARD_NOT_FOUND)
        return row


def _answer(row: TokenRow, token: str) -> CardAnswer:
    return CardAnswer(
        number=row.number,
        expire=expire_slashed(row.expire),
        token=token,
        recurrent=bool(row.save),
        verify=bool(row.verified),
    )
