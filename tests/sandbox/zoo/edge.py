"""The edge of the zoo's merchants: HTTP, JSON, the envelope, authorization."""

import base64
import json
from typing import Any

from sandbox.zoo.wire import Request, Response

__all__ = ["KEY", "Edge", "Params", "Refused"]

KEY = "Zoo:key?with&signs%and=a:colon+123456"

Params = dict[str, Any]


class Refused(Exception):
    """An error is the answer."""

    def __init__(self, code: int, data: Any = None) -> None:
        super().__init__(code)
        self.code = code
        self.data = data


class Edge:
    """Reads calls and writes replies; what the methods do is not its business."""

    def __init__(self) -> None:
        self.keys = [KEY]
        self.asked: list[str] = []

    def methods(self) -> dict[str, Any]:
        """Name what is served."""
        raise NotImplementedError

    async def dispatch(self, method: str, params: Params, request: Request) -> Any:
        """Run a method."""
        del request
        return await self.methods()[method](params)

    async def answer(self, request: Request) -> Response:
        """Answer an HTTP request."""
        return self.respond(await self.reply(request))

    def respond(self, reply: dict[str, Any]) -> Response:
        """Put a reply into an HTTP answer."""
        return Response(json.dumps(reply, ensure_ascii=False).encode())

    async def reply(self, request: Request) -> dict[str, Any]:
        """Make the reply to a request."""
        call = self.parse(request.body)
        known = self.readable_id(call)
        try:
            self.look_at_method(request)
            self.look_at_authorization(request.headers.get("authorization"))
            method, params = self.read_envelope(call)
            known = call["id"] if isinstance(call, dict) and "id" in call else None
            self.asked.append(method)
            return self.write_result(known, await self.dispatch(method, params, request))
        except Refused as refused:
            return self.write_error(known, refused.code, refused.data)

    def parse(self, body: bytes) -> Any:
        """Read JSON; the exception itself if there is none, since who may not ask is not told that."""
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            return error

    def readable_id(self, call: Any) -> Any:
        """Find the id of a call that may be refused before it is read."""
        found = call.get("id") if isinstance(call, dict) else None
        return found if type(found) in {int, str} else None

    def look_at_method(self, request: Request) -> None:
        """Refuse all but POST."""
        if request.method != "POST":
            raise Refused(-32300)

    def look_at_authorization(self, header: str | None) -> None:
        """Refuse who may not ask."""
        if not self.authorized(header):
            raise Refused(-32504)

    def authorized(self, header: str | None) -> bool:
        """Judge an Authorization header."""
        login, key = self.credentials(header)
        return login == "Paycom" and key in self.keys

    def credentials(self, header: str | None) -> tuple[str, str]:
        """Read login and key."""
        scheme, _, coded = (header or "").partition(" ")
        if scheme.lower() != "basic":
            return "", ""
        try:
            login, _, key = base64.b64decode(coded.strip(), validate=True).decode().partition(":")
        except ValueError:
            return "", ""
        return login, key

    def read_envelope(self, call: Any) -> tuple[str, Params]:
        """Read method and params."""
        if isinstance(call, Exception):
            raise self.broken_json()
        if not isinstance(call, dict) or type(call.get("id")) not in {int, str, type(None)}:
            raise self.bad_envelope()
        method, params = call.get("method"), call.get("params")
        if not isinstance(method, str):
            raise self.bad_envelope()
        if method not in self.methods():
            raise self.unknown_method(method)
        if not isinstance(params, dict):
            raise self.bad_envelope()
        return method, params

    def broken_json(self) -> Refused:
        return Refused(-32700)

    def bad_envelope(self) -> Refused:
        return Refused(-32600)

    def unknown_method(self, method: str) -> Refused:
        return Refused(-32601, method)

    def write_result(self, id_: Any, result: Any) -> dict[str, Any]:
        """Write the reply of a call that went well."""
        return {"jsonrpc": "2.0", "id": id_, "result": result}

    def write_error(self, id_: Any, code: int, data: Any) -> dict[str, Any]:
        """Write the reply of a call that was refused."""
        error: dict[str, Any] = {"code": code, "message": self.message(code)}
        if data is not None:
            error["data"] = data
        return {"jsonrpc": "2.0", "id": id_, "error": error}

    def message(self, code: int) -> Any:
        """Word an error."""
        return {"ru": f"Ошибка {code}", "uz": f"Xato {code}", "en": f"Error {code}"}
