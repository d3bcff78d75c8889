"""What can be wrong with a saved card, each with words for the payer.

```
SavedCardError
├── CardUnknown          there is no such card
├── CardAlreadySaved     the shop gave one name to two cards
├── CardRemoved          the third wrong PIN, or it was removed before: the payer adds the card again
├── PinRequired          ask for the PIN
├── PinNotSet            it has none, and the shop pays by no card without one: offer to set one
├── PinRefused           a new PIN that is no PIN, or one that anybody guesses
├── PinMalformed         what was typed cannot be a PIN; no try was lost
├── PinWrong             ``tries_left`` says how many tries are left
├── PinBusy              the tries that are left are being checked at this moment
└── SealBroken           a stored token or PIN does not open; this one is the shop's, not the payer's
```
"""

from typing import Final

from tiyin.protocol.values import Text

__all__ = [
    "CardAlreadySaved",
    "CardRemoved",
    "CardUnknown",
    "PinBusy",
    "PinMalformed",
    "PinNotSet",
    "PinRefused",
    "PinRequired",
    "PinWrong",
    "SavedCardError",
    "SealBroken",
]


class SavedCardError(Exception):
    """A saved card cannot be used so.

    ```python
    except SavedCardError as error:
        show(error.text.in_language("uz"))
    ```

    Attributes:
        text: What the payer reads.
    """

    text: Text = Text(
        ru="Этой картой сейчас не оплатить. Попробуйте позже или выберите другой способ.",
        uz="Bu karta bilan hozir toʻlab boʻlmaydi. Keyinroq urinib koʻring yoki boshqa usulni tanlang.",
        en="This card cannot be used now. Try again later or choose another way to pay.",
    )

    def __init__(self, text: Text | None = None) -> None:
        self.text = type(self).text if text is None else text
        super().__init__(self.text.en)


class CardUnknown(SavedCardError):
    """The customer has no such card."""

    text = Text(
        ru="Карта не найдена. Добавьте карту ещё раз.",
        uz="Karta topilmadi. Kartani qayta qoʻshing.",
        en="Card not found. Add the card again.",
    )


class CardAlreadySaved(SavedCardError):
    """The customer has a card of that name already."""

    text = Text(
        ru="Эта карта уже сохранена.",
        uz="Bu karta allaqachon saqlangan.",
        en="This card is saved already.",
    )


class CardRemoved(SavedCardError):
    """The card was removed: its PIN was wrong three times, or somebody removed it."""

    text = Text(
        ru="Сохранённая карта удалена. Чтобы платить ею, добавьте её ещё раз.",
        uz="Saqlangan karta oʻchirildi. U bilan toʻlash uchun uni qayta qoʻshing.",
        en="The saved card was removed. To pay by it, add it again.",
    )


class PinRequired(SavedCardError):
    """The card has a PIN, and none was given."""

    text = Text(
        ru="Введите ПИН-код для оплаты.",
        uz="Toʻlov uchun PIN-kodni kiriting.",
        en="Enter the payment PIN.",
    )


class PinNotSet(SavedCardError):
    """The card has no PIN, and the shop pays by no card without one."""

    text = Text(
        ru="Чтобы платить сохранённой картой, установите ПИН-код.",
        uz="Saqlangan karta bilan toʻlash uchun PIN-kod oʻrnating.",
        en="To pay by a saved card, set a PIN.",
    )


class PinRefused(SavedCardError, ValueError):
    """A new PIN is not taken: it is no PIN, or anybody would guess it."""

    text = Text(
        ru="Такой ПИН-код легко угадать. Придумайте другой.",
        uz="Bunday PIN-kodni topish oson. Boshqasini oʻylab toping.",
        en="This PIN is easy to guess. Choose another.",
    )


class PinMalformed(PinRefused):
    """What was typed cannot be a PIN at all; no try was lost."""

    text = Text(
        ru="ПИН-код состоит из 4–8 цифр.",
        uz="PIN-kod 4–8 ta raqamdan iborat.",
        en="A PIN has 4 to 8 digits.",
    )


class PinWrong(SavedCardError):
    """The PIN is wrong.

    Args:
        tries_left: How many tries are left before the card is removed, at least 1.
    """

    def __init__(self, tries_left: int) -> None:
        self.tries_left: Final = tries_left
        super().__init__(
            Text(
                ru=f"Неверный ПИН-код. Осталось попыток: {tries_left}. Потом карта будет удалена.",
                uz=f"PIN-kod notoʻgʻri. Qolgan urinishlar: {tries_left}. Keyin karta oʻchiriladi.",
                en=f"Wrong PIN. Tries left: {tries_left}. After that the card is removed.",
            )
        )


class PinBusy(SavedCardError):
    """Other tries for this card are being checked at this moment."""

    text = Text(
        ru="ПИН-код уже проверяется. Подождите и попробуйте ещё раз.",
        uz="PIN-kod hozir tekshirilmoqda. Kutib turing va qayta urinib koʻring.",
        en="A PIN is being checked already. Wait a moment and try again.",
    )


class SealBroken(SavedCardError):
    """A stored token or PIN does not open: the shop's key is another one, or somebody changed the store."""
