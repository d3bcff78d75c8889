"""The Django app."""

from typing import Final

from django.apps import AppConfig
from django.core.signals import setting_changed

__all__ = ["PaymeConfig"]

LABEL: Final = "tiyin"


class PaymeConfig(AppConfig):
    """The Django app: ``INSTALLED_APPS = [..., "tiyin.merchant.integrations.django"]``."""

    name = "tiyin.merchant.integrations.django"
    # Not "payme": so the apps of other libraries are called, and of many a shop.
    label = LABEL
    verbose_name = "Payme"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks."""
        from tiyin.merchant.integrations.django import checks, desks  # noqa: PLC0415 - models are there now

        checks.register()
        setting_changed.connect(desks.forget, dispatch_uid="tiyin.desks")
