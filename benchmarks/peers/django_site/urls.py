"""The site's addresses."""

from __future__ import annotations

from django.urls import include, path  # type: ignore[import-not-found]

urlpatterns = [path("", include("appointment.urls"))]
