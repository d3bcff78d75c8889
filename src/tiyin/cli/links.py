"""`tiyin link` and `tiyin qr`: checkout links, written and drawn."""

from pathlib import Path
from typing import Final

import segno

from tiyin.cli.ending import out, stop
from tiyin.protocol.callback import read_callback
from tiyin.protocol.checkout_link import CheckoutRequest, read_link, write_link
from tiyin.protocol.errors import RpcError
from tiyin.protocol.values import AMOUNT_TIYIN_MAX, LANGUAGES, Language, read_language

__all__ = ["draw_qr", "print_link", "write"]

_ENDINGS: Final = (".svg", ".png")
_PNG_SCALE: Final = 8
_QR_LENGTH_MAX: Final = 2000


def print_link(
    *, merchant: str, amount: int, account: list[str], checkout: str, lang: str, callback: str | None
) -> None:
    """Print a checkout link, and nothing else."""
    print(write(merchant, amount, account, checkout, lang, callback))  # noqa: T201  # the command's output


def draw_qr(  # the command's options
    *,
    merchant: str | None,
    amount: int | None,
    account: list[str],
    checkout: str,
    lang: str,
    callback: str | None,
    url: str | None,
    output: Path | None,
) -> None:
    """Draw a link as a QR code, in the terminal or into a file."""
    if output is not None and output.suffix.lower() not in _ENDINGS:
        stop(f"{output} must end with .svg or .png.")
    if url is None:
        if merchant is None or amount is None or not account:
            stop("Give --merchant, --amount and --account, or a whole link with --url.")
        url = write(merchant, amount, account, checkout, lang, callback)
    elif not url.startswith(("https://", "http://")) or len(url) > _QR_LENGTH_MAX:
        stop(f"--url must be an http or https address of at most {_QR_LENGTH_MAX} characters.")
    try:
        code = segno.make(url, error="m", micro=False)
    except segno.DataOverflowError:
        stop("The link is too long for a QR code: shorten the callback or the account.")
    if output is None:
        code.terminal(compact=True)
        out.print(url, markup=False)
        return
    try:
        code.save(str(output), scale=_PNG_SCALE, border=4)
    except OSError as error:
        stop(f"{output} cannot be written ({error.strerror or error}).")
    out.print(f"Wrote {output} for {url}", markup=False)


def write(
    merchant: str, amount: int, account: list[str], checkout: str, lang: str, callback: str | None
) -> str:  # a link has that many parts
    """Write a link, or stop with a sentence.

    Args:
        merchant: The cash desk's id.
        amount: In tiyin.
        account: `field=value` each.
        checkout: The checkout's address.
        lang: ru, uz or en.
        callback: Where the payer goes afterwards, or None.
    """
    language = _language(lang)
    if not 1 <= amount <= AMOUNT_TIYIN_MAX:
        stop(f"--amount must be a whole number of tiyin from 1 to {AMOUNT_TIYIN_MAX}.")
    fields: dict[str, str | int] = {}
    for pair in account:
        field, equals, value = pair.partition("=")
        if not equals or not field or not value:
            stop(f"--account must be FIELD=VALUE, such as order_id=197, not {pair!r}.")
        if field in fields:
            stop(f"--account {field} is given twice.")
        fields[field] = value
    if not checkout.startswith(("https://", "http://")):
        stop(f"--checkout must be an http or https address, not {checkout!r}.")
    try:
        callback = None if callback is None else read_callback(callback)
    except ValueError as error:
        stop(f"--callback cannot be used: it {error}.")
    try:
        link = write_link(
            checkout,
            CheckoutRequest(
                merchant=merchant, account=fields, amount_tiyin=amount, lang=language, callback=callback
            ),
        )
        # What was written is read again the way the checkout reads it: a link that it refuses is no use.
        read_link(link.rpartition("/")[2])
    except ValueError as error:
        stop(f"The link cannot be written: {error}.")
    except RpcError as error:
        stop(f"The checkout would refuse this link: the value of {error.data!r} is not allowed.")
    return link


def _language(lang: str) -> Language:
    if lang not in LANGUAGES:
        stop("--lang must be ru, uz or en.")
    return read_language(lang)
