"""Merchants that are wrong below the methods: the network, HTTP, the envelope, authorization."""

import asyncio
import json
from typing import Any, ClassVar

from sandbox.zoo.edge import KEY, Params, Refused
from sandbox.zoo.merchant import Merchant
from sandbox.zoo.species import wrong
from sandbox.zoo.wire import Closed, Handler, Request, Response, close_now, read_request, write_response

_JSON = (("Content-Type", "application/json; charset=UTF-8"),)


async def _speak_something_else(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler
) -> None:
    del handler
    writer.write(b"220 mail.shop.example ESMTP\r\n")
    await reader.readline()
    writer.write(b"500 unrecognized command\r\n")
    await writer.drain()


async def _speak_without_end(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler
) -> None:
    del handler
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while True:
        writer.write(b" " * 65_536)
        await writer.drain()


async def _hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler) -> None:
    del handler
    await reader.readuntil(b"\r\n\r\n")
    close_now(writer)


async def _say_kept_and_close(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler
) -> None:
    write_response(writer, await handler(await read_request(reader, 1)))
    await writer.drain()


async def _say_kept_and_break(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler
) -> None:
    write_response(writer, await handler(await read_request(reader, 1)))
    # The next request on this connection is read and never answered.
    await reader.readuntil(b"\r\n\r\n")


@wrong("not-http", "endpoint-not-http", speak=_speak_something_else)
class NotHttp(Merchant):
    """A mail server stands at the address."""


@wrong("endless", "endpoint-endless", speak=_speak_without_end)
class Endless(Merchant):
    """Its answers never end."""


@wrong("hangs-up", "endpoint-closes", speak=_hang_up)
class HangsUp(Merchant):
    """It closes the connection instead of answering."""


@wrong("breaks-kept-connections", "keep-alive", speak=_say_kept_and_break)
class BreaksKept(Merchant):
    """It offers to keep the connection, and breaks the second request on it."""


@wrong("slow", "endpoint-slow", timeout_ms=300)
class Slow(Merchant):
    """It never answers in time."""

    async def answer(self, request: Request) -> Response:
        while not request.gone():  # noqa: ASYNC110 - the stream tells nobody that it ended
            await asyncio.sleep(0.05)
        raise Closed


@wrong("breaks-off", "endpoint-closes")
class BreaksOff(Merchant):
    """Its handler dies, and the connection with it, wherever a transaction is asked for."""

    async def dispatch(self, method: str, params: Params, request: Request) -> Any:
        if method == "CheckTransaction":
            raise Closed
        return await super().dispatch(method, params, request)


@wrong("redirects", "endpoint-redirects")
class Redirects(Merchant):
    """It sends the caller to another address."""

    def respond(self, reply: dict[str, Any]) -> Response:
        del reply
        return Response(b"", 302, (("Location", "/payme/"),))


@wrong("html", "answer-not-json")
class Html(Merchant):
    """It answers with a page."""

    def respond(self, reply: dict[str, Any]) -> Response:
        del reply
        return Response(b"<!doctype html><title>Shop</title>", 200, (("Content-Type", "text/html"),))


@wrong("errors-with-400", "http-status")
class ErrorsWith400(Merchant):
    """Its errors come with HTTP 400."""

    def respond(self, reply: dict[str, Any]) -> Response:
        return super().respond(reply)._replace(status=400 if "error" in reply else 200)


@wrong("errors-with-500", "http-status")
class ErrorsWith500(Merchant):
    """Its errors come with HTTP 500 and no body."""

    def respond(self, reply: dict[str, Any]) -> Response:
        return Response(b"", 500) if "error" in reply else super().respond(reply)


@wrong("closes-politely", "connection-closed")
class ClosesPolitely(Merchant):
    """It closes after every answer, and says so."""

    def respond(self, reply: dict[str, Any]) -> Response:
        return super().respond(reply)._replace(close=True)


@wrong("closes-in-silence", "connection-closed", speak=_say_kept_and_close)
class ClosesInSilence(Merchant):
    """It offers to keep the connection, and closes it after the answer."""


@wrong("plain-text", "content-type")
class PlainText(Merchant):
    """It calls its JSON plain text."""

    def respond(self, reply: dict[str, Any]) -> Response:
        return super().respond(reply)._replace(headers=(("Content-Type", "text/plain"),))


@wrong("own-ids", "id-differs")
class OwnIds(Merchant):
    """It counts its answers itself."""

    def write_result(self, id_: Any, result: Any) -> dict[str, Any]:
        return super().write_result(len(self.asked) + 90_000 if id_ is not None else id_, result)


@wrong("no-ids", "id-missing")
class NoIds(Merchant):
    """It echoes no id."""

    def respond(self, reply: dict[str, Any]) -> Response:
        return super().respond({name: value for name, value in reply.items() if name != "id"})


@wrong("null-error", "error-beside-result")
class NullError(Merchant):
    """It writes `"error": null` beside a result."""

    def write_result(self, id_: Any, result: Any) -> dict[str, Any]:
        return {**super().write_result(id_, result), "error": None}


@wrong("both", "result-and-error")
class Both(Merchant):
    """It writes an error beside a result."""

    def write_result(self, id_: Any, result: Any) -> dict[str, Any]:
        return {**super().write_result(id_, result), "error": {"code": 0, "message": self.message(0)}}


@wrong("null-result", "result-beside-error")
class NullResult(Merchant):
    """It writes `"result": null` beside an error."""

    def write_error(self, id_: Any, code: int, data: Any) -> dict[str, Any]:
        return {**super().write_error(id_, code, data), "result": None}


@wrong("neither", "neither-result-nor-error")
class Neither(Merchant):
    """It answers GetStatement with the bare list, without an envelope's result."""

    def write_result(self, id_: Any, result: Any) -> dict[str, Any]:
        if "transactions" in result:
            return {"jsonrpc": "2.0", "id": id_, **result}
        return super().write_result(id_, result)


@wrong("one-language", "message-not-localized")
class OneLanguage(Merchant):
    """Its messages are strings."""

    def message(self, code: int) -> Any:
        return f"Ошибка {code}"


@wrong("answers-get", "http-get-accepted")
class AnswersGet(Merchant):
    """It answers GET as it answers POST."""

    def look_at_method(self, request: Request) -> None:
        del request


@wrong("broken-json-is-bad-request", "broken-json-code")
class BrokenJson(Merchant):
    """It answers -32600 to what is no JSON."""

    def broken_json(self) -> Refused:
        return Refused(-32600)


@wrong("bad-envelope-is-unknown-method", "envelope-code")
class BadEnvelope(Merchant):
    """It answers -32601 to a request without a method."""

    def bad_envelope(self) -> Refused:
        return Refused(-32601)


@wrong("unknown-method-is-bad-request", "unknown-method-code")
class UnknownMethod(Merchant):
    """It answers -32600 to a method that it does not know."""

    def unknown_method(self, method: str) -> Refused:
        return Refused(-32600, method)


@wrong("unknown-method-unnamed", "unknown-method-data")
class UnknownMethodUnnamed(Merchant):
    """It does not name the method that it does not know."""

    def unknown_method(self, method: str) -> Refused:
        del method
        return Refused(-32601)


@wrong("takes-any-type", "types-accepted")
class TakesAnyType(Merchant):
    """It takes an amount that is written as a string."""

    def read_amount(self, params: Params) -> int:
        amount = params.get("amount")
        if isinstance(amount, str) and amount.isdecimal():
            return int(amount)
        return super().read_amount(params)


@wrong("stumbles", "internal-error-on-bad-input")
class Stumbles(Merchant):
    """Parameters of the wrong type throw it."""

    async def dispatch(self, method: str, params: Params, request: Request) -> Any:
        try:
            return await super().dispatch(method, params, request)
        except Refused as refused:
            if refused.code == -32600:
                raise Refused(-32400) from None
            raise


@wrong("open", "authorization-open")
class Open(Merchant):
    """Whoever asks is answered."""

    def authorized(self, header: str | None) -> bool:
        del header
        return True


@wrong("open-without-header", "authorization-none-accepted")
class OpenWithoutHeader(Merchant):
    """Who sends no authorization at all is answered."""

    def authorized(self, header: str | None) -> bool:
        return header is None or super().authorized(header)


@wrong("any-key", "authorization-wrong-key-accepted")
class AnyKey(Merchant):
    """It looks at the login only."""

    def authorized(self, header: str | None) -> bool:
        login, _ = self.credentials(header)
        return login == "Paycom"


@wrong("any-login", "authorization-login-ignored")
class AnyLogin(Merchant):
    """It looks at the key only."""

    def authorized(self, header: str | None) -> bool:
        _, key = self.credentials(header)
        return key in self.keys


@wrong("refuses-with-another-code", "authorization-code")
class AuthorizationCode(Merchant):
    """It refuses who may not ask, with -31050."""

    def look_at_authorization(self, header: str | None) -> None:
        if not self.authorized(header):
            raise Refused(-31050, "order_id")


@wrong("another-key", "authorization-right-refused")
class AnotherKey(Merchant):
    """It was set up with another desk's key."""

    def __init__(self, *, one_time: bool = True) -> None:
        super().__init__(one_time=one_time)
        self.keys = [KEY.swapcase()]


@wrong("cuts-the-key", "authorization-key-cut-at-colon")
class CutsTheKey(Merchant):
    """It splits at every colon, and compares what stands before the second one."""

    cut: ClassVar[str] = KEY.partition(":")[0]

    def credentials(self, header: str | None) -> tuple[str, str]:
        login, key = super().credentials(header)
        return login, KEY if key.partition(":")[0] == self.cut else key


@wrong("answers-in-a-list", "answer-not-json")
class AnswersInList(Merchant):
    """Its answer is JSON, and no object."""

    def respond(self, reply: dict[str, Any]) -> Response:
        return Response(json.dumps([reply]).encode(), 200, _JSON)
