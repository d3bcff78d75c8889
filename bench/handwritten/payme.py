"""The view: every method of the Merchant API that takes a payment, written by hand from the documentation."""

import base64
import binascii
import hmac
import json
import logging
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from bench.handwritten.models import Order, PaymeTransaction

__all__ = ["payme"]

TIMEOUT_MS = 43_200_000
FUTURE_MS_MAX = 86_400_000
ACCOUNT_FIELD = "order_id"
BIGINT_MAX = 2**63 - 1
CONTENT_TYPE = "application/json; charset=UTF-8"
WAITING, PAID = PaymeTransaction.State.WAITING, PaymeTransaction.State.PAID
CANCELLED, REFUNDED = PaymeTransaction.State.CANCELLED, PaymeTransaction.State.REFUNDED

MESSAGES = {
    -32300: (
        "Запрос отправлен не методом POST.",
        "Soʻrov POST usulida yuborilmagan.",
        "Only POST is served.",
    ),
    -32504: ("Недостаточно привилегий.", "Huquqlar yetarli emas.", "Access denied."),
    -32700: ("Ошибка разбора JSON.", "JSON oʻqilmadi.", "The request is no JSON."),
    -32600: ("Неверный запрос.", "Notoʻgʻri soʻrov.", "The request is wrong."),
    -32601: ("Метод не найден.", "Usul topilmadi.", "There is no such method."),
    -32400: ("Внутренняя ошибка.", "Ichki xatolik.", "Something went wrong."),
    -31001: ("Неверная сумма.", "Notoʻgʻri summa.", "Wrong amount."),
    -31003: ("Транзакция не найдена.", "Tranzaksiya topilmadi.", "There is no such transaction."),
    -31007: ("Отменить нельзя.", "Bekor qilib boʻlmaydi.", "It cannot be cancelled."),
    -31008: ("Операция невозможна.", "Amal bajarilmaydi.", "The operation is not possible."),
    -31050: ("Заказ не найден.", "Buyurtma topilmadi.", "There is no such order."),
    -31051: ("Заказ нельзя оплатить.", "Buyurtmani toʻlab boʻlmaydi.", "The order cannot be paid."),
}

log = logging.getLogger(__name__)


class PaymeError(Exception):
    """An answer with an error."""

    def __init__(self, code: int, data: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.data = data


class ExpiredHolderError(Exception):
    """The order is held by a transaction whose twelve hours are over."""


class OvertakenError(Exception):
    """The same call came twice at once, and the other one was faster."""


@csrf_exempt
def payme(request: HttpRequest) -> JsonResponse:
    """Answer one call; its HTTP status is always 200."""
    request_id = None
    try:
        call = _read(request.body)
        if isinstance(call, dict) and _is_id(call.get("id")):
            request_id = call.get("id")
        _admit(request)
        method, params = _envelope(call)
        result = method(params)
    except PaymeError as error:
        return _refusal(request_id, error)
    except Exception:
        log.exception("a call of Payme failed, id %r", request_id)
        return _refusal(request_id, PaymeError(-32400))
    return _answer({"jsonrpc": "2.0", "id": request_id, "result": result})


def _refusal(request_id: object, error: PaymeError) -> JsonResponse:
    ru, uz, en = MESSAGES[error.code]
    body: dict[str, Any] = {"code": error.code, "message": {"ru": ru, "uz": uz, "en": en}}
    if error.data is not None:
        body["data"] = error.data
    return _answer({"jsonrpc": "2.0", "id": request_id, "error": body})


def _answer(content: dict[str, Any]) -> JsonResponse:
    response = JsonResponse(content, content_type=CONTENT_TYPE)
    # Without it a server answers in chunks, which costs it more.
    response["Content-Length"] = str(len(response.content))
    return response


def _read(body: bytes) -> Any:
    """Decode the body; a mark of its own for what is no JSON, since access is checked before it is told."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return _BROKEN


_BROKEN = object()


def _admit(request: HttpRequest) -> None:
    if request.method != "POST":
        raise PaymeError(-32300)
    if not _may_call(request.headers.get("Authorization", "")):
        raise PaymeError(-32504)


def _may_call(header: str) -> bool:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        given = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return False
    expected = f"{settings.PAYME_LOGIN}:{settings.PAYME_KEY}"
    return hmac.compare_digest(given, expected.encode())


def _envelope(call: Any) -> tuple[Callable[[dict[str, Any]], dict[str, Any]], dict[str, Any]]:
    if call is _BROKEN:
        raise PaymeError(-32700)
    if not isinstance(call, dict) or not _is_id(call.get("id")):
        raise PaymeError(-32600)
    name, params = call.get("method"), call.get("params", {})
    if not isinstance(name, str) or not name or not isinstance(params, dict):
        raise PaymeError(-32600)
    if not isinstance(call.get("jsonrpc", ""), str):
        raise PaymeError(-32600)
    method = METHODS.get(name)
    if method is None:
        raise PaymeError(-32601, name)
    return method, params


def _is_id(value: object) -> bool:
    return value is None or (isinstance(value, int | str) and not isinstance(value, bool))


def _whole(params: dict[str, Any], name: str) -> int:
    value = params.get(name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > BIGINT_MAX:
        raise PaymeError(-32600, name)
    return value


def _id(params: dict[str, Any]) -> str:
    value = params.get("id")
    if not isinstance(value, str) or not 0 < len(value) <= 64 or "\0" in value:
        raise PaymeError(-32600, "id")
    return value


def _account(params: dict[str, Any]) -> dict[str, Any]:
    account = params.get("account")
    if not isinstance(account, dict):
        raise PaymeError(-32600, "account")
    return account


def _order_key(account: dict[str, Any]) -> int:
    value = account.get(ACCOUNT_FIELD)
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise PaymeError(-31050, ACCOUNT_FIELD)
    return int(text)


def _payable(order: Order | None, amount_tiyin: int) -> Order:
    if order is None:
        raise PaymeError(-31050, ACCOUNT_FIELD)
    if order.amount_tiyin != amount_tiyin:
        raise PaymeError(-31001)
    return order


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def check_perform(params: dict[str, Any]) -> dict[str, Any]:
    amount_tiyin, account = _whole(params, "amount"), _account(params)
    order = _payable(Order.objects.filter(pk=_order_key(account)).first(), amount_tiyin)
    if order.state != Order.State.OPEN:
        raise PaymeError(-31051, ACCOUNT_FIELD)
    return {"allow": True}


def create(params: dict[str, Any]) -> dict[str, Any]:
    _id(params)
    _whole(params, "time")
    _whole(params, "amount")
    _account(params)
    try:
        return _create(params)
    except ExpiredHolderError:
        expire(order_id=_order_key(params["account"]))
    except (IntegrityError, OvertakenError):
        # Another call was faster with this id, or for this order: look again how it stands.
        pass
    try:
        return _create(params)
    except (ExpiredHolderError, IntegrityError, OvertakenError):
        raise PaymeError(-31008) from None


def _create(params: dict[str, Any]) -> dict[str, Any]:
    payme_id, time_ms, account = params["id"], _whole(params, "time"), params["account"]
    amount_tiyin, now_ms = _whole(params, "amount"), _now_ms()
    with transaction.atomic():
        known = PaymeTransaction.objects.filter(payme_id=payme_id).first()
        if known is None:
            return _created(_insert(payme_id, time_ms, amount_tiyin, account, now_ms))
    return _repeat(known, time_ms, amount_tiyin, account, now_ms)


def _repeat(
    known: PaymeTransaction, time_ms: int, amount_tiyin: int, account: dict[str, Any], now_ms: int
) -> dict[str, Any]:
    same = (
        known.time_ms == time_ms
        and known.amount_tiyin == amount_tiyin
        and {name: str(value) for name, value in known.account.items()}
        == {name: str(value) for name, value in account.items()}
    )
    if not same or known.state != WAITING:
        raise PaymeError(-31008)
    if _expired(known, now_ms):
        expire(payme_id=known.payme_id)
        raise PaymeError(-31008)
    return _created(known)


def _insert(
    payme_id: str, time_ms: int, amount_tiyin: int, account: dict[str, Any], now_ms: int
) -> PaymeTransaction:
    if now_ms - time_ms >= TIMEOUT_MS or time_ms - now_ms > FUTURE_MS_MAX:
        raise PaymeError(-31008)
    order = _payable(Order.objects.select_for_update().filter(pk=_order_key(account)).first(), amount_tiyin)
    if order.state == Order.State.RESERVED:
        holder = PaymeTransaction.objects.filter(order=order, state=WAITING).first()
        if holder is not None and holder.payme_id == payme_id:
            raise OvertakenError
        if holder is not None and _expired(holder, now_ms):
            raise ExpiredHolderError
        raise PaymeError(-31008)
    if order.state != Order.State.OPEN:
        raise PaymeError(-31051, ACCOUNT_FIELD)
    new = PaymeTransaction.objects.create(
        payme_id=payme_id,
        order=order,
        account=account,
        amount_tiyin=amount_tiyin,
        time_ms=time_ms,
        create_time_ms=now_ms,
    )
    order.state = Order.State.RESERVED
    order.save(update_fields=["state"])
    return new


def perform(params: dict[str, Any]) -> dict[str, Any]:
    with transaction.atomic():
        found = _locked(_id(params))
        if found.state == WAITING:
            now_ms = _now_ms()
            if not _expire(found, now_ms):
                found.state, found.perform_time_ms = PAID, now_ms
                found.save(update_fields=["state", "perform_time_ms"])
                Order.objects.filter(pk=found.order_id).update(state=Order.State.PAID)
    if found.state != PAID:
        raise PaymeError(-31008)
    return {"transaction": str(found.pk), "perform_time": found.perform_time_ms, "state": found.state}


def cancel(params: dict[str, Any]) -> dict[str, Any]:
    payme_id, reason = _id(params), _whole(params, "reason")
    if reason not in {1, 2, 3, 4, 5, 10}:
        raise PaymeError(-32600, "reason")
    with transaction.atomic():
        found = _locked(payme_id)
        now_ms = _now_ms()
        if found.state == PAID:
            _end(found, REFUNDED, reason, now_ms, Order.State.CANCELLED)
        elif found.state == WAITING and not _expire(found, now_ms):
            _end(found, CANCELLED, reason, now_ms, Order.State.OPEN)
    return {"transaction": str(found.pk), "cancel_time": found.cancel_time_ms, "state": found.state}


def check(params: dict[str, Any]) -> dict[str, Any]:
    found = PaymeTransaction.objects.filter(payme_id=_id(params)).first()
    if found is None:
        raise PaymeError(-31003)
    if found.state == WAITING and _expired(found, _now_ms()):
        expire(payme_id=found.payme_id)
        found.refresh_from_db()
    return {
        "create_time": found.create_time_ms,
        "perform_time": found.perform_time_ms,
        "cancel_time": found.cancel_time_ms,
        "transaction": str(found.pk),
        "state": found.state,
        "reason": found.reason,
    }


def statement(params: dict[str, Any]) -> dict[str, Any]:
    rows = PaymeTransaction.objects.filter(
        time_ms__gte=_whole(params, "from"), time_ms__lte=_whole(params, "to")
    )
    return {
        "transactions": [
            {
                "id": row.payme_id,
                "time": row.time_ms,
                "amount": row.amount_tiyin,
                "account": row.account,
                "create_time": row.create_time_ms,
                "perform_time": row.perform_time_ms,
                "cancel_time": row.cancel_time_ms,
                "transaction": str(row.pk),
                "state": row.state,
                "reason": row.reason,
            }
            for row in rows.order_by("time_ms", "payme_id")
        ]
    }


def expire(**which: Any) -> None:
    """Cancel transactions whose twelve hours are over."""
    now_ms = _now_ms()
    with transaction.atomic():
        due = PaymeTransaction.objects.select_for_update().filter(
            state=WAITING, time_ms__lte=now_ms - TIMEOUT_MS, **which
        )
        for found in due.order_by("pk"):
            _expire(found, now_ms)


def _locked(payme_id: str) -> PaymeTransaction:
    found = PaymeTransaction.objects.select_for_update().filter(payme_id=payme_id).first()
    if found is None:
        raise PaymeError(-31003)
    return found


def _expired(found: PaymeTransaction, now_ms: int) -> bool:
    return now_ms - found.time_ms >= TIMEOUT_MS


def _expire(found: PaymeTransaction, now_ms: int) -> bool:
    if not _expired(found, now_ms):
        return False
    _end(found, CANCELLED, 4, now_ms, Order.State.OPEN)
    return True


def _end(found: PaymeTransaction, state: int, reason: int, now_ms: int, order: int) -> None:
    found.state, found.reason, found.cancel_time_ms = state, reason, now_ms
    found.save(update_fields=["state", "reason", "cancel_time_ms"])
    Order.objects.filter(pk=found.order_id).update(state=order)


def _created(row: PaymeTransaction) -> dict[str, Any]:
    return {"create_time": row.create_time_ms, "transaction": str(row.pk), "state": row.state}


METHODS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "CheckPerformTransaction": check_perform,
    "CreateTransaction": create,
    "PerformTransaction": perform,
    "CancelTransaction": cancel,
    "CheckTransaction": check,
    "GetStatement": statement,
}
