"""The groups of checks, in the order of the sandbox's menu."""

from typing import Final

from tiyin.protocol.values import Text

__all__ = ["GROUPS"]

GROUPS: Final[dict[str, Text]] = {
    "scenario": Text(
        ru="Сценарии документации", uz="Hujjat ssenariylari", en="The documentation's scenarios"
    ),
    "envelope": Text(
        ru="Формат запроса и ответа", uz="Soʻrov va javob formati", en="Request and answer format"
    ),
    "authorization": Text(ru="Неверная авторизация", uz="Notoʻgʻri avtorizatsiya", en="Wrong authorization"),
    "account": Text(ru="Несуществующий счёт", uz="Mavjud boʻlmagan hisob", en="Account that does not exist"),
    "amount": Text(ru="Неверная сумма", uz="Notoʻgʻri summa", en="Wrong amount"),
    "check": Text.same("CheckPerformTransaction"),
    "create": Text.same("CreateTransaction"),
    "perform": Text.same("PerformTransaction"),
    "cancel": Text.same("CancelTransaction"),
    "checktransaction": Text.same("CheckTransaction"),
    "statement": Text.same("GetStatement"),
    "expiry": Text(ru="Истечение 12 часов", uz="12 soat oʻtishi", en="Expiry after 12 hours"),
    "concurrency": Text(
        ru="Одновременные запросы", uz="Bir vaqtdagi soʻrovlar", en="Requests at the same time"
    ),
    "lost": Text(ru="Потерянные ответы", uz="Yoʻqolgan javoblar", en="Lost answers"),
    "fiscal": Text(ru="Фискальные данные", uz="Fiskal maʼlumotlar", en="Fiscal data"),
    "password": Text(ru="Смена ключа", uz="Kalitni almashtirish", en="Changing the key"),
    "transport": Text(ru="Соединение", uz="Ulanish", en="Connection"),
}
"""The group's id (the part of a check's id before the dot) -> its title."""
