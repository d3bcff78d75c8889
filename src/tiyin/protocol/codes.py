"""The numbers of all errors and their texts.

The texts tell a payer or a developer what happened and what to do next; the words are those of the whole
product.

Documentation: merchant-api/errors, merchant-api/common-errors, merchant-api/SetFiscalData, checkout/errors
"""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Final

from tiyin.protocol.values import Text

__all__ = [
    "ACCOUNT_ERROR_FIRST",
    "ACCOUNT_ERROR_LAST",
    "COMMON_ERRORS",
    "ERRORS",
    "MERCHANT_ERRORS",
    "SUBSCRIBE_ERRORS",
    "CommonCode",
    "MerchantCode",
    "SubscribeCode",
]

ACCOUNT_ERROR_FIRST: Final = -31050
ACCOUNT_ERROR_LAST: Final = -31099


class CommonCode(IntEnum):
    """Codes that mean the same in both protocols."""

    TRANSPORT = -32300
    PARSE = -32700
    INVALID_REQUEST = -32600
    METHOD_NOT_FOUND = -32601
    INVALID_PARAMS = -32602
    ACCESS_DENIED = -32504
    INTERNAL = -32400


class MerchantCode(IntEnum):
    """Codes that a merchant's server answers; of the account's, -31050..-31099, some stay the shop's own."""

    WRONG_AMOUNT = -31001
    TRANSACTION_NOT_FOUND = -31003
    CANNOT_CANCEL = -31007
    CANNOT_PERFORM = -31008
    ACCOUNT_NOT_FOUND = -31050
    ACCOUNT_BUSY = -31051
    ACCOUNT_PAID = -31052
    ACCOUNT_CANCELLED = -31053
    ACCOUNT_FIELD_MISSING = -31054
    ACCOUNT_FIELD_UNKNOWN = -31055
    ACCOUNT_OTHER = -31099
    RECEIPT_NOT_FOUND = -32001


class SubscribeCode(IntEnum):
    """Codes that the gateway answers to a merchant's application and to the checkout page."""

    PAYME_UNAVAILABLE = -31001
    PROCESSING_CENTRE_UNAVAILABLE = -31002
    PROCESSING_UNAVAILABLE = -31100
    CODE_EXPIRED = -31101
    CODE_TRIES_EXCEEDED = -31102
    CODE_WRONG = -31103
    CODE_NOT_SENT = -31110
    CARD_WRONG = -31300
    SMS_NOT_CONNECTED = -31301
    BALANCE_UNKNOWN = -31302
    BALANCE_TOO_LOW = -31303
    CARD_NOT_FOUND = -31400
    MERCHANT_NOT_FOUND = -31601
    RECEIPT_NOT_FOUND = -31602
    WRONG_FIELD = -31610
    AMOUNT_TOO_SMALL = -31611
    AMOUNT_TOO_LARGE = -31612
    PROCESSING_TIMEOUT = -31620
    MERCHANT_UNAVAILABLE = -31622
    MERCHANT_INCORRECT = -31623
    PROCESSING_BUSY = -31624
    CARD_DECLINED = -31630
    DEBIT_FAILED = -31640
    MAINTENANCE = -31700
    CARD_TYPE_UNSUPPORTED = -31900
    OPERATION_UNSUPPORTED = -31901
    TOKEN_MALFORMED = -32500
    ACCESS_DENIED = -32504


_SYSTEM = Text(
    ru="Системная ошибка, попробуйте позже.",
    uz="Tizim xatosi, keyinroq urinib koʻring.",
    en="System error, try again later.",
)

COMMON_ERRORS: Final[Mapping[int, Text]] = MappingProxyType(
    {
        CommonCode.TRANSPORT: Text(
            ru="Запрос должен быть отправлен методом POST.",
            uz="Soʻrov POST usuli bilan yuborilishi kerak.",
            en="The request must be sent with the POST method.",
        ),
        CommonCode.PARSE: Text(
            ru="Ошибка разбора JSON. Проверьте тело запроса.",
            uz="JSON tahlilida xato. Soʻrov matnini tekshiring.",
            en="The JSON could not be parsed. Check the body of the request.",
        ),
        CommonCode.INVALID_REQUEST: Text(
            ru="В запросе нет обязательных полей, или их тип не соответствует документации.",
            uz="Soʻrovda majburiy maydonlar yoʻq yoki ularning turi hujjatlarga mos emas.",
            en="The request lacks required fields, or their types differ from the documentation.",
        ),
        CommonCode.METHOD_NOT_FOUND: Text(
            ru="Запрашиваемый метод не найден.",
            uz="Soʻralgan usul topilmadi.",
            en="The requested method was not found.",
        ),
        CommonCode.INVALID_PARAMS: Text(
            ru="Неверный параметр запроса. Проверьте поле, указанное в data.",
            uz="Soʻrov parametri notoʻgʻri. data da koʻrsatilgan maydonni tekshiring.",
            en="A parameter of the request is wrong. Check the field named in data.",
        ),
        CommonCode.ACCESS_DENIED: Text(
            ru="Недостаточно привилегий для выполнения метода.",
            uz="Usulni bajarish uchun huquq yetarli emas.",
            en="Insufficient privileges to perform the method.",
        ),
        CommonCode.INTERNAL: _SYSTEM,
    }
)

_ACCOUNT_NOT_FOUND = Text(
    ru="Заказ не найден. Проверьте данные счёта.",
    uz="Buyurtma topilmadi. Hisob maʼlumotlarini tekshiring.",
    en="Order not found. Check the account details.",
)

MERCHANT_ERRORS: Final[Mapping[int, Text]] = MappingProxyType(
    dict.fromkeys(range(ACCOUNT_ERROR_LAST, ACCOUNT_ERROR_FIRST + 1), _ACCOUNT_NOT_FOUND)
    | {
        MerchantCode.WRONG_AMOUNT: Text(
            ru="Неверная сумма. Она не совпадает с суммой заказа.",
            uz="Summa notoʻgʻri. U buyurtma summasiga mos emas.",
            en="Wrong amount. It differs from the amount of the order.",
        ),
        MerchantCode.TRANSACTION_NOT_FOUND: Text(
            ru="Транзакция не найдена.", uz="Tranzaksiya topilmadi.", en="Transaction not found."
        ),
        MerchantCode.CANNOT_CANCEL: Text(
            ru="Заказ выполнен, отменить транзакцию невозможно.",
            uz="Buyurtma bajarilgan, tranzaksiyani bekor qilib boʻlmaydi.",
            en="The order is fulfilled, the transaction cannot be cancelled.",
        ),
        MerchantCode.CANNOT_PERFORM: Text(
            ru="Невозможно выполнить операцию.",
            uz="Amalni bajarib boʻlmaydi.",
            en="The operation cannot be performed.",
        ),
        MerchantCode.ACCOUNT_BUSY: Text(
            ru="Заказ уже оплачивается. Дождитесь завершения оплаты.",
            uz="Buyurtma uchun toʻlov amalga oshirilmoqda. Toʻlov yakunlanishini kuting.",
            en="The order is being paid already. Wait until that payment ends.",
        ),
        MerchantCode.ACCOUNT_PAID: Text(
            ru="Заказ уже оплачен.", uz="Buyurtma allaqachon toʻlangan.", en="The order is already paid."
        ),
        MerchantCode.ACCOUNT_CANCELLED: Text(
            ru="Заказ отменён.", uz="Buyurtma bekor qilingan.", en="The order is cancelled."
        ),
        MerchantCode.ACCOUNT_FIELD_MISSING: Text(
            ru="Заполните поле счёта.", uz="Hisob maydonini toʻldiring.", en="Fill in the account field."
        ),
        MerchantCode.ACCOUNT_FIELD_UNKNOWN: Text(
            ru="Такого поля в счёте нет.",
            uz="Hisobda bunday maydon yoʻq.",
            en="The account has no such field.",
        ),
        MerchantCode.ACCOUNT_OTHER: Text(
            ru="Заказ нельзя оплатить. Обратитесь в магазин.",
            uz="Buyurtma uchun toʻlab boʻlmaydi. Doʻkonga murojaat qiling.",
            en="The order cannot be paid. Contact the shop.",
        ),
        MerchantCode.RECEIPT_NOT_FOUND: Text(
            ru="Чек с таким id не найден.",
            uz="Bunday id li chek topilmadi.",
            en="No receipt with this id was found.",
        ),
    }
)

SUBSCRIBE_ERRORS: Final[Mapping[int, Text]] = MappingProxyType(
    {
        SubscribeCode.PAYME_UNAVAILABLE: Text(
            ru="Сервис Payme временно недоступен, попробуйте позже.",
            uz="Payme xizmati vaqtincha ishlamayapti, keyinroq urinib koʻring.",
            en="Payme is temporarily unavailable, try again later.",
        ),
        SubscribeCode.PROCESSING_CENTRE_UNAVAILABLE: Text(
            ru="Процессинговый центр недоступен, попробуйте позже.",
            uz="Protsessing markazi ishlamayapti, keyinroq urinib koʻring.",
            en="The processing centre is unavailable, try again later.",
        ),
        SubscribeCode.PROCESSING_UNAVAILABLE: Text(
            ru="Процессинг временно недоступен, попробуйте позже.",
            uz="Protsessing vaqtincha ishlamayapti, keyinroq urinib koʻring.",
            en="Card processing is temporarily unavailable, try again later.",
        ),
        SubscribeCode.CODE_EXPIRED: Text(
            ru="Срок действия кода истёк. Запросите новый код из СМС.",
            uz="Kodning amal qilish muddati tugadi. Yangi SMS-kod soʻrang.",
            en="The code has expired. Ask for a new SMS code.",
        ),
        SubscribeCode.CODE_TRIES_EXCEEDED: Text(
            ru="Слишком много попыток. Запросите новый код из СМС.",
            uz="Urinishlar soni tugadi. Yangi SMS-kod soʻrang.",
            en="Too many tries. Ask for a new SMS code.",
        ),
        SubscribeCode.CODE_WRONG: Text(
            ru="Неверный код из СМС. Проверьте код и введите его ещё раз.",
            uz="SMS-kod notoʻgʻri. Kodni tekshirib, qayta kiriting.",
            en="Wrong SMS code. Check the code and enter it again.",
        ),
        SubscribeCode.CODE_NOT_SENT: Text(
            ru="Не удалось отправить код из СМС, попробуйте позже.",
            uz="SMS-kodni yuborib boʻlmadi, keyinroq urinib koʻring.",
            en="The SMS code could not be sent, try again later.",
        ),
        SubscribeCode.CARD_WRONG: Text(
            ru="Карта не найдена. Проверьте номер и срок действия карты.",
            uz="Karta topilmadi. Karta raqami va amal qilish muddatini tekshiring.",
            en="Card not found. Check the card number and the card expiry.",
        ),
        SubscribeCode.SMS_NOT_CONNECTED: Text(
            ru="К карте не подключено СМС-информирование. Подключите его в банке.",
            uz="Kartaga SMS-xabarnoma ulanmagan. Uni bankda ulang.",
            en="SMS notices are not connected to the card. Connect them at the bank.",
        ),
        SubscribeCode.BALANCE_UNKNOWN: Text(
            ru="Не удалось узнать баланс карты, попробуйте позже.",
            uz="Karta balansini aniqlab boʻlmadi, keyinroq urinib koʻring.",
            en="The card's balance could not be learned, try again later.",
        ),
        SubscribeCode.BALANCE_TOO_LOW: Text(
            ru="Недостаточно средств. Пополните карту или выберите другую.",
            uz="Mablagʻ yetarli emas. Kartani toʻldiring yoki boshqasini tanlang.",
            en="Insufficient funds. Top up the card or choose another one.",
        ),
        SubscribeCode.CARD_NOT_FOUND: Text(
            ru="Карта не найдена. Добавьте карту ещё раз.",
            uz="Karta topilmadi. Kartani qayta qoʻshing.",
            en="Card not found. Add the card again.",
        ),
        SubscribeCode.MERCHANT_NOT_FOUND: Text(
            ru="Поставщик не найден, заблокирован или на обслуживании.",
            uz="Yetkazib beruvchi topilmadi, bloklangan yoki texnik xizmatda.",
            en="The merchant was not found, is blocked, or is under maintenance.",
        ),
        SubscribeCode.RECEIPT_NOT_FOUND: Text(
            ru="Чек не найден или уже оплачен.",
            uz="Chek topilmadi yoki allaqachon toʻlangan.",
            en="The receipt was not found or is already paid.",
        ),
        SubscribeCode.WRONG_FIELD: Text(
            ru="Введено неверное значение поля.",
            uz="Maydonga notoʻgʻri qiymat kiritilgan.",
            en="A field has a wrong value.",
        ),
        SubscribeCode.AMOUNT_TOO_SMALL: Text(
            ru="Сумма платежа меньше допустимой.",
            uz="Toʻlov summasi ruxsat etilganidan kam.",
            en="The amount is below the allowed minimum.",
        ),
        SubscribeCode.AMOUNT_TOO_LARGE: Text(
            ru="Сумма платежа больше допустимой.",
            uz="Toʻlov summasi ruxsat etilganidan koʻp.",
            en="The amount is above the allowed maximum.",
        ),
        SubscribeCode.PROCESSING_TIMEOUT: Text(
            ru="Процессинг не ответил вовремя, попробуйте позже.",
            uz="Protsessing oʻz vaqtida javob bermadi, keyinroq urinib koʻring.",
            en="Card processing did not answer in time, try again later.",
        ),
        SubscribeCode.MERCHANT_UNAVAILABLE: Text(
            ru="Сервис поставщика недоступен, попробуйте позже.",
            uz="Yetkazib beruvchi xizmati ishlamayapti, keyinroq urinib koʻring.",
            en="The merchant's service is unavailable, try again later.",
        ),
        SubscribeCode.MERCHANT_INCORRECT: Text(
            ru="Сервис поставщика работает некорректно. Обратитесь к поставщику.",
            uz="Yetkazib beruvchi xizmati notoʻgʻri ishlayapti. Yetkazib beruvchiga murojaat qiling.",
            en="The merchant's service works incorrectly. Contact the merchant.",
        ),
        SubscribeCode.PROCESSING_BUSY: Text(
            ru="Процессинг перегружен, попробуйте позже.",
            uz="Protsessing band, keyinroq urinib koʻring.",
            en="Card processing is busy, try again later.",
        ),
        SubscribeCode.CARD_DECLINED: Text(
            ru="Оплата отклонена. Проверьте данные карты и остаток или выберите другую карту.",
            uz="Toʻlov rad etildi. Karta maʼlumotlari va qoldigʻini tekshiring yoki boshqa kartani tanlang.",
            en="The payment was declined. Check the card's details and balance, or choose another card.",
        ),
        SubscribeCode.DEBIT_FAILED: Text(
            ru="Не удалось списать деньги с карты. Попробуйте позже или выберите другую карту.",
            uz="Kartadan pul yechib boʻlmadi. Keyinroq urinib koʻring yoki boshqa kartani tanlang.",
            en="The card could not be debited. Try again later or choose another card.",
        ),
        SubscribeCode.MAINTENANCE: Text(
            ru="Идут технические работы, попробуйте позже.",
            uz="Texnik ishlar olib borilmoqda, keyinroq urinib koʻring.",
            en="Maintenance is under way, try again later.",
        ),
        SubscribeCode.CARD_TYPE_UNSUPPORTED: Text(
            ru="Этот тип карты не поддерживается. Выберите карту Uzcard или HUMO.",
            uz="Bu turdagi karta qoʻllab-quvvatlanmaydi. Uzcard yoki HUMO kartasini tanlang.",
            en="This type of card is not supported. Choose an Uzcard or HUMO card.",
        ),
        SubscribeCode.OPERATION_UNSUPPORTED: Text(
            ru="Эта операция для карты не поддерживается.",
            uz="Bu amal karta uchun qoʻllab-quvvatlanmaydi.",
            en="This operation is not supported for the card.",
        ),
        SubscribeCode.TOKEN_MALFORMED: Text(
            ru="Неверный формат токена карты. Добавьте карту ещё раз.",
            uz="Karta tokeni formati notoʻgʻri. Kartani qayta qoʻshing.",
            en="The card token is malformed. Add the card again.",
        ),
        # Payme answers these two words in every language, and clients compare them.
        SubscribeCode.ACCESS_DENIED: Text.same("Access denied."),
    }
)

ERRORS: Final[Mapping[str, Mapping[int, Text]]] = MappingProxyType(
    {
        "common": COMMON_ERRORS,
        "merchant": MERCHANT_ERRORS,
        "subscribe": SUBSCRIBE_ERRORS,
    }
)
"""All texts by protocol and code."""
