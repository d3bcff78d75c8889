"""Orders in the admin; Payme's transactions are there by themselves."""

from django.contrib import admin

from shop.models import Order

admin.site.register(Order, list_display=["id", "total", "state"], list_filter=["state"])
