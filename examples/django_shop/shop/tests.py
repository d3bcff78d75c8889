# ruff: noqa: PT009 - Django's own way to test
"""How a shop tests its payments: ``python manage.py test``."""

from base64 import b64encode
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.test import TestCase
from django.utils import timezone

from shop.models import Order


class PaymentTest(TestCase):
    """Each call runs in the test's own transaction, and is undone with it."""

    def payme(self, method: str, **params: Any) -> Any:
        """Call as Payme does, and return the answer."""
        login = b64encode(f"Paycom:{settings.PAYME['KEY']}".encode()).decode()
        response = self.client.post(
            "/payme",
            {"id": 1, "method": method, "params": params},
            content_type="application/json",
            headers={"Authorization": f"Basic {login}"},
        )
        return response.json()

    def test_an_order_is_paid(self) -> None:
        """An order is paid once, by one transaction."""
        order = Order.objects.create(total=Decimal(5000))
        paying = {"amount": 500_000, "account": {"order_id": order.pk}}
        now_ms = int(timezone.now().timestamp() * 1000)
        self.assertEqual(self.payme("CheckPerformTransaction", **paying)["result"], {"allow": True})
        self.payme("CreateTransaction", id="0" * 24, time=now_ms, **paying)
        refused = self.payme("CreateTransaction", id="1" * 24, time=now_ms, **paying)
        self.assertEqual(refused["error"]["code"], -31008)
        self.assertEqual(self.payme("PerformTransaction", id="0" * 24)["result"]["state"], 2)
        order.refresh_from_db()
        self.assertEqual(order.state, Order.State.PAID)

    def test_a_wrong_amount_is_refused(self) -> None:
        """Nobody pays less than the price."""
        order = Order.objects.create(total=Decimal(5000))
        refused = self.payme("CheckPerformTransaction", amount=1, account={"order_id": order.pk})
        self.assertEqual(refused["error"]["code"], -31001)
