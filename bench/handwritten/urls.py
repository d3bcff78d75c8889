"""The one address."""

from django.urls import path

from bench.handwritten.payme import payme

urlpatterns = [path("", payme)]
