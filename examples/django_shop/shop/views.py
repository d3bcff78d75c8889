"""The shop."""

import json

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from shop.models import Order
from tiyin.merchant.checkout import Checkout
from tiyin.merchant.sums import sums_from_tiyin

checkout = Checkout(settings.PAYME_DESK)


@csrf_exempt
@require_POST
def make_order(request: HttpRequest) -> HttpResponse:
    """Make an order of ``{"amount": tiyin}``, and tell where to pay for it."""
    try:
        amount = json.loads(request.body)["amount"]
    except (ValueError, TypeError, LookupError):
        return HttpResponseBadRequest()
    if type(amount) is not int or amount <= 0:
        return HttpResponseBadRequest()
    order = Order.objects.create(total=sums_from_tiyin(amount))
    pay_url = checkout.link(amount, {"order_id": order.pk})
    return JsonResponse({"order_id": order.pk, "amount": amount, "pay_url": pay_url}, status=201)
