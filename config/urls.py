"""Every address of the site: the API under /api/, the back office under /admin/, pages at the root."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from accounts.views import office_door

PAGES = ("accounts.urls", "markets.urls", "trading.urls", "risk.urls", "notifications.urls")

urlpatterns = [
    path("admin/login/", office_door),  # before the office's own, which would ask for the password alone
    path("admin/", admin.site.urls),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("api/", include("core.api_urls")),
    path("api/", include("accounts.api_urls")),
    path("api/", include("markets.api_urls")),
    path("api/", include("notifications.api_urls")),
    path("api/", include("risk.api_urls")),
    path("api/", include("trading.api_urls")),
    *(path("", include(module)) for module in PAGES),
]
