"""What messages say, in three languages. The code stands first: phones show it unopened."""

from typing import Final

from tiyin.protocol.values import Language, Text

__all__ = ["code_text"]

_NAME_MAX: Final = 40

_CODE: Final = Text(
    ru="{code} — код подтверждения карты *{last} для «{name}». Никому его не сообщайте.",
    uz="{code} — «{name}» uchun *{last} kartani tasdiqlash kodi. Uni hech kimga aytmang.",
    en="{code} is the code that confirms card *{last} for {name}. Tell it to nobody.",
)


def code_text(language: Language, *, code: str, last: str, name: str) -> str:
    """Write the SMS that carries a code.

    Args:
        language: The payer's.
        code: Six digits.
        last: The card's last four digits.
        name: What the payer knows the cash desk by; cut at 40 characters.

    Documentation: subscribe-api/cards.get_verify_code
    """
    # The name is filled in as a value: braces in it mean nothing.
    return _CODE.in_language(language).format(code=code, last=last, name=name[:_NAME_MAX])
