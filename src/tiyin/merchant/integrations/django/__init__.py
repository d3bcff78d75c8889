"""Payments in a Django shop: an app, one view, and a class that says what an order costs.

```python
# settings.py
INSTALLED_APPS = [..., "tiyin.merchant.integrations.django"]
PAYME = {"BILLING": "shop.payme.Shop", "KEY": os.environ["PAYME_KEY"]}

# urls.py
urlpatterns = [..., path("payme/", payme_view)]

# shop/payme.py
class Shop(ModelBilling[Order]):
    model = Order
    account_fields = ("order_id",)

    def check(self, order, amount_tiyin):
        return payme.Order(amount_tiyin=order.total_tiyin)

    def perform(self, order, transaction):
        order.paid = True
        order.save(update_fields=["paid"])
        after_commit(send_receipt, order.email)
```

Transactions are kept in the shop's own database. An order is locked while a hook has it, and what the hook
changes is committed together with the transaction, or not at all.
"""

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from tiyin.merchant.after_commit import after_commit
from tiyin.merchant.api import MerchantApi
from tiyin.merchant.integrations.django.billing import ModelBilling

__all__ = ["ModelBilling", "after_commit", "api", "payme_view"]


def api(desk: str = "default") -> MerchantApi:
    """Return the api of a cash desk, as the settings describe it: one a process.

    It is for what is no request: taking old transactions over, or a task that expires what is due.

    ```python
    api().take_over_sync(from_payme_pkg(row, "order_id") for row in OldTransaction.objects.values())
    ```

    Args:
        desk: The desk's name in ``PAYME["DESKS"]``.

    Raises:
        ImproperlyConfigured: If the settings cannot work; the text says what to change.
    """
    # Models can only be imported once Django has started, and this module is what starts it.
    from tiyin.merchant.integrations.django.desks import api_of  # noqa: PLC0415

    return api_of(desk)


def payme_view(request: HttpRequest, desk: str = "default") -> HttpResponseBase:
    """Answer Payme: the Merchant API's endpoint, for WSGI and ASGI.

    ```python
    path("payme/", payme_view)
    path("payme/second/", payme_view, {"desk": "second"})
    ```

    Args:
        request: The request, of any HTTP method: the documentation has an answer for each.
        desk: The desk's name in ``PAYME["DESKS"]``.

    Raises:
        ImproperlyConfigured: If the settings cannot work; the text says what to change.
        Http404: If there is no such desk.
    """
    from tiyin.merchant.integrations.django.views import respond  # noqa: PLC0415 - the same

    return respond(request, desk)


class _EveryDatabase(frozenset[str]):
    """The databases whose ATOMIC_REQUESTS is not for this view: all of them."""

    __slots__ = ()

    def __contains__(self, _: object) -> bool:
        return True


# The kit begins and ends its own database transactions, and its caller has a key instead of a cookie.
payme_view.csrf_exempt = True  # type: ignore[attr-defined]  # Django's own marks on a view
payme_view.login_required = False  # type: ignore[attr-defined]
payme_view._non_atomic_requests = _EveryDatabase()  # type: ignore[attr-defined]  # noqa: SLF001
