"""The sentences that a receipt's page and its PDF share."""

from collections.abc import Mapping
from typing import Final, Literal

from tiyin.protocol.values import Language, format_sum
from tiyin.web.payer_receipt.facts import ReceiptFacts
from tiyin.web.payer_receipt.fiscal import Standing
from tiyin.web.payer_receipt.goods import Line
from tiyin.web.words import N_, translations

__all__ = ["FISCAL_TITLES", "STANDINGS", "line_notes", "receipt_title"]

FISCAL_TITLES: Final[Mapping[Literal["sale", "refund"], str]] = {
    "sale": N_("Fiscal receipt"),
    "refund": N_("Fiscal receipt of the refund"),
}

# What is registered needs no sentence: its numbers say so.
STANDINGS: Final[Mapping[Standing, str]] = {
    "due": N_("It comes within minutes. Open this receipt again a little later."),
    "late": N_("The tax service has not answered yet. It is asked again and again: nothing is lost."),
    "refused": N_("The tax service did not accept it. Ask the shop."),
}


def receipt_title(facts: ReceiptFacts, language: Language) -> str:
    """Return what the receipt is called."""
    return translations(language).gettext(N_("Receipt No. %(number)s")) % {"number": facts.number}


def line_notes(line: Line, language: Language) -> tuple[str, ...]:
    """Return what is said of a line of the goods besides its title and its sum.

    Args:
        line: The line.
        language: The payer's language.
    """
    say = translations(language).gettext
    notes = [f"{line.count} × {format_sum(line.price_tiyin, language)}"] if line.count != "1" else []
    if line.discount_tiyin:
        notes.append(f"{say(N_('Discount'))} {format_sum(line.discount_tiyin, language)}")
    if line.vat_percent:
        rate = say(N_("VAT %(rate)s%%")) % {"rate": line.vat_percent}
        notes.append(f"{rate}: {format_sum(line.vat_tiyin, language)}")
    if line.code:
        notes.append(say(N_("IKPU %(code)s")) % {"code": line.code})
    return tuple(notes)
