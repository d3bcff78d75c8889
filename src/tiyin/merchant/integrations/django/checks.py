"""What ``manage.py check`` says about payments: each finding has an id, and a hint that says what to change.

==============  ====================================================================================
``tiyin.E001``  the setting PAYME is missing or is not read (a name that nobody knows, a wrong shape)
``tiyin.E002``  BILLING cannot be imported, or is no shop that this store can call
``tiyin.E003``  the mode's key is missing, empty, or still the example's
``tiyin.E004``  another value cannot work (ADDRESSES, MODE, MESSAGES, PATIENCE_S, ...)
``tiyin.E005``  the shop's orders and its transactions are in two databases
``tiyin.E006``  what the payer types cannot be looked up in the model
``tiyin.E007``  the database is of a kind that the store does not know, or its tables undo nothing
``tiyin.E008``  the kit's tables are missing
``tiyin.W001``  SQLite: the shop's own transactions may find the file locked
``tiyin.W002``  SQLite: readers and writers stand in each other's way, or a commit is not durable
``tiyin.W003``  the endpoint is nowhere in the URLs
``tiyin.W004``  the production key is in use while DEBUG is on
``tiyin.W005``  MySQL: the isolation makes calls wait for each other more than they have to
==============  ====================================================================================
"""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.apps.config import AppConfig
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections, router
from django.urls import URLPattern, URLResolver, get_resolver

from tiyin.merchant.calling import calling
from tiyin.merchant.integrations.django import payme_view
from tiyin.merchant.integrations.django.billing import ModelBilling, field_of
from tiyin.merchant.integrations.django.databases import check_tables
from tiyin.merchant.integrations.django.desks import database_of, make_api
from tiyin.merchant.integrations.django.models import Transaction
from tiyin.merchant.integrations.django.settings import DeskSettings, load_billing, read_settings
from tiyin.merchant.integrations.django.statements import VENDORS

__all__ = ["check_database", "check_settings", "check_urls", "register"]

_EXAMPLES = ("...", "changeme", "change-me", "your-key", "your key", "the cash desk's key", "secret", "key")
_SQLITE_OPTIONS = (
    '"OPTIONS": {"transaction_mode": "IMMEDIATE", '
    '"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL"}'
)
_KEY = 'PAYME = {..., "KEY": os.environ["PAYME_KEY"]}: the key is in the cash desk\'s settings in the cabinet'
_MYSQL_SLOW = ("repeatable read", "serializable")
_FULL = 2
_ANY = "*"


def register() -> None:
    """Register the checks with Django."""
    checks.register(check_settings, "payme")
    checks.register(check_urls, checks.Tags.urls)
    checks.register(check_database, checks.Tags.database)


def check_settings(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[checks.CheckMessage]:
    """Look at the setting ``PAYME`` and what it names.

    Args:
        app_configs: Unused: the settings are of no app.
    """
    del app_configs
    try:
        desks = read_settings()
    except ImproperlyConfigured as error:
        hint = 'PAYME = {"BILLING": "shop.payme.Shop", "KEY": os.environ["PAYME_KEY"]}'
        return [checks.Error(str(error), hint=hint, id="tiyin.E001")]
    return [finding for desk in desks.values() for finding in _of_desk(desk)]


def check_urls(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[checks.CheckMessage]:
    """Look whether Payme can reach the endpoint.

    Args:
        app_configs: Unused.
    """
    del app_configs
    try:
        desks = list(read_settings())
    except ImproperlyConfigured:
        # Told already.
        return []
    if not getattr(settings, "ROOT_URLCONF", None):
        return []
    reached = set(_desks_reached(get_resolver().url_patterns, {}))
    hint = 'from tiyin.merchant.integrations.django import payme_view; path("payme/", payme_view)'
    return [
        checks.Warning(
            f"no URL leads to payme_view for the desk {desk!r}: Payme cannot call the shop",
            hint=hint if desk == "default" else f'path("payme/{desk}/", payme_view, {{"desk": "{desk}"}})',
            id="tiyin.W003",
        )
        for desk in desks
        if not reached & {desk, _ANY}
    ]


def check_database(
    app_configs: Sequence[AppConfig] | None = None, databases: Sequence[str] | None = None, **_: Any
) -> list[checks.CheckMessage]:
    """Look at the databases themselves; Django asks for it by ``check --database`` and before ``migrate``.

    Args:
        app_configs: Unused.
        databases: The databases that may be asked.
    """
    del app_configs
    try:
        wanted = {database_of(desk) for desk in read_settings().values()}
    except ImproperlyConfigured:
        # Told already.
        return []
    return [
        finding
        for alias in sorted(wanted & set(databases or ()))
        for finding in _of_database(connections[alias])
    ]


def _of_desk(desk: DeskSettings) -> Iterator[checks.CheckMessage]:
    where = "PAYME" if desk.name == "default" else f"PAYME, desk {desk.name!r}"
    billing: object = None
    try:
        billing = load_billing(desk)
        calling(billing, blocking=True, detached=False)
    except (ImportError, TypeError, ValueError) as error:
        hint = f'{where}: "BILLING" is the dotted path of a class derived from ModelBilling or SyncBilling'
        yield checks.Error(f"{where}: {error}", hint=hint, id="tiyin.E002")
        billing = None
    yield from _of_key(desk, where)
    alias = database_of(desk)
    if alias not in settings.DATABASES:
        hint = f'"USING" is one of {", ".join(settings.DATABASES)}'
        yield checks.Error(f"{where}: there is no database {alias!r}", hint=hint, id="tiyin.E004")
        return
    if isinstance(billing, ModelBilling):
        yield from _of_model(billing, alias)
    yield from _of_options(alias)
    # Whatever is left: the api itself knows what it can be made with.
    if billing is not None and _has_key(desk):
        try:
            make_api(desk)
        except ImproperlyConfigured as error:
            yield checks.Error(str(error), hint="change that value in the setting PAYME", id="tiyin.E004")


def _has_key(desk: DeskSettings) -> bool:
    try:
        return bool(desk.keys().accepted)
    except ValueError:
        return desk.mode not in {"production", "test", "either"}


def _of_key(desk: DeskSettings, where: str) -> Iterator[checks.CheckMessage]:
    try:
        keys = desk.keys().accepted
    except (TypeError, ValueError) as error:
        if _has_key(desk):
            # The mode is wrong, and told with the other values.
            return
        yield checks.Error(f"{where}: {error}", hint=_KEY, id="tiyin.E003")
        return
    if any(_is_example(key) for key in keys):
        yield checks.Error(
            f"{where}: the key is an example's, or has blanks around it", hint=_KEY, id="tiyin.E003"
        )
        return
    if settings.DEBUG and desk.mode == "production":
        hint = 'set DEBUG = False where the shop sells, and "MODE": "test" with "TEST_KEY" where it is tried'
        yield checks.Warning(f"{where}: DEBUG is on with the production key", hint=hint, id="tiyin.W004")


def _is_example(key: Any) -> bool:
    return (
        not isinstance(key, str)
        or key != key.strip()
        or key.lower() in _EXAMPLES
        or set(key) <= set("*.xX")
        or (key.startswith("<") and key.endswith(">"))
    )


def _of_model(billing: ModelBilling[Any], alias: str) -> Iterator[checks.CheckMessage]:
    name = type(billing).__name__
    try:
        for path in billing.paths().values():
            field_of(billing.model, path)
    except (AttributeError, TypeError) as error:
        if type(billing).find is ModelBilling.find:
            hint = f"change model, account_fields, lookup or lookups of {name}, or override find"
            yield checks.Error(f"{name}: {error}", hint=hint, id="tiyin.E006")
            return
    model = getattr(billing, "model", None)
    if model is not None and (at := router.db_for_write(model)) != alias:
        yield checks.Error(
            f"{model.__name__} is in the database {at!r}, and transactions are in {alias!r}: "
            "they could not be committed together",
            hint=f'PAYME = {{..., "USING": "{at}"}}',
            id="tiyin.E005",
        )


def _of_options(alias: str) -> Iterator[checks.CheckMessage]:
    database = settings.DATABASES[alias]
    engine = str(database.get("ENGINE", ""))
    options = database.get("OPTIONS", {})
    if engine.endswith("sqlite3") and str(options.get("transaction_mode", "")).upper() != "IMMEDIATE":
        yield checks.Warning(
            f"the SQLite database {alias!r} begins transactions without its write lock: the shop's own "
            "transactions can fail at once with 'database is locked' (those of payments are begun with it)",
            hint=f'DATABASES["{alias}"]: {_SQLITE_OPTIONS}',
            id="tiyin.W001",
        )
    if "mysql" in engine and str(options.get("isolation_level", "")).lower() in _MYSQL_SLOW:
        yield checks.Warning(
            f"the database {alias!r} works at {options['isolation_level']}, which locks gaps between rows",
            hint='"OPTIONS": {"isolation_level": "read committed"}, which is Django\'s default',
            id="tiyin.W005",
        )


def _of_database(connection: Any) -> Iterator[checks.CheckMessage]:
    alias = connection.alias
    if connection.vendor not in VENDORS:
        yield checks.Error(
            f"the store does not know the database {alias!r} ({connection.display_name})",
            hint="keep orders and transactions in PostgreSQL, MySQL, MariaDB or SQLite",
            id="tiyin.E007",
        )
        return
    if Transaction._meta.db_table not in connection.introspection.table_names():  # noqa: SLF001 - documented
        # Before the first `migrate` nothing else can be: that is no error, and `migrate` asks for this too.
        yield checks.Warning(
            f"the kit's tables are not in the database {alias!r} yet",
            hint=f"manage.py migrate --database {alias}",
            id="tiyin.E008",
        )
        return
    try:
        check_tables(connection)
    except (RuntimeError, DatabaseError) as error:
        yield checks.Warning(str(error), hint=f"manage.py migrate --database {alias}", id="tiyin.E008")
    if connection.vendor == "sqlite" and not connection.is_in_memory_db():
        yield from _of_sqlite(connection)
    if connection.vendor == "mysql":
        yield from _of_mysql(connection)


def _of_sqlite(connection: Any) -> Iterator[checks.CheckMessage]:
    with connection.cursor() as cursor:
        journal = cursor.execute("PRAGMA journal_mode").fetchone()[0]
        synchronous = cursor.execute("PRAGMA synchronous").fetchone()[0]
    wrong = []
    if journal != "wal":
        wrong.append("is without WAL: readers and writers stand in each other's way")
    if synchronous < _FULL:
        wrong.append("is below synchronous=FULL: a confirmed payment is forgotten when the power fails")
    if wrong:
        yield checks.Warning(
            f"the SQLite database {connection.alias!r} {', and '.join(wrong)}",
            hint=f'DATABASES["{connection.alias}"]: {_SQLITE_OPTIONS}',
            id="tiyin.W002",
        )


def _of_mysql(connection: Any) -> Iterator[checks.CheckMessage]:
    table = Transaction._meta.db_table  # noqa: SLF001 - documented
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT engine FROM information_schema.tables "
            "WHERE table_schema = DATABASE() AND table_name = %s",
            (table,),
        )
        found = cursor.fetchone()
    if found is not None and str(found[0]).lower() != "innodb":
        yield checks.Error(
            f"the table {table} is kept by {found[0]}, which has no transactions",
            hint=f"ALTER TABLE {table} ENGINE = InnoDB, and the same for the shop's own tables",
            id="tiyin.E007",
        )


def _desks_reached(
    patterns: Sequence[URLPattern | URLResolver], given: Mapping[str, object]
) -> Iterator[str]:
    """Go through the desks whose endpoint stands in the URLs; `_ANY` where the URL itself names the desk."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _desks_reached(pattern.url_patterns, {**given, **pattern.default_kwargs})
        elif inspect.unwrap(pattern.callback) is payme_view:
            named = "desk" in pattern.pattern.regex.groupindex
            yield _ANY if named else str({**given, **pattern.default_args}.get("desk", "default"))
