"""``path("payme/", include("tiyin.merchant.integrations.django.urls"))``: one cash desk's endpoint."""

from django.urls import path

from tiyin.merchant.integrations.django import payme_view

__all__ = ["urlpatterns"]

urlpatterns = [path("", payme_view, name="payme")]
