"""The one address."""

from django.urls import path

from tiyin.merchant.integrations.django import payme_view

urlpatterns = [path("", payme_view)]
