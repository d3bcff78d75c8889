"""Where everything is."""

from django.contrib import admin
from django.urls import path

from shop.views import make_order
from tiyin.merchant.integrations.django import payme_view

urlpatterns = [
    path("payme", payme_view),
    path("orders", make_order),
    path("admin/", admin.site.urls),
]
