"""The shop's addresses."""

from django.contrib import admin
from django.urls import include, path

from tiyin.merchant.integrations.django import payme_view

urlpatterns = [
    path("payme", payme_view),
    path("included/", include("tiyin.merchant.integrations.django.urls")),
    path("desks/<str:desk>/", payme_view),
    path("admin/", admin.site.urls),
]
