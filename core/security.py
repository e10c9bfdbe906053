"""Headers that Django and django-csp leave to us, and the wider policy of the two pages that are not ours."""

from __future__ import annotations

from collections.abc import Callable

from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.http import HttpRequest, HttpResponse

# The admin theme runs Alpine.js (evaluates attributes) and Swagger UI sets inline styles: theirs only, never ours.
_THIRD_PARTY_PAGES = ("/admin/", "/api/docs")
_THIRD_PARTY_POLICY = {
    "default-src": [NONE],
    "script-src": [SELF, UNSAFE_INLINE, UNSAFE_EVAL],
    "style-src": [SELF, UNSAFE_INLINE],
    "img-src": [SELF, "data:"],
    "font-src": [SELF, "data:"],
    "connect-src": [SELF],
    "form-action": [SELF],
    "base-uri": [NONE],
    "frame-ancestors": [NONE],
}


class PageHeadersMiddleware:
    """Nothing of a signed-in user stays in a cache; browser features we do not use are off."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        response.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
        response.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if not request.path.startswith("/static/"):
            response.setdefault("Cache-Control", "no-store")
        if request.path.startswith(_THIRD_PARTY_PAGES):
            response._csp_replace = _THIRD_PARTY_POLICY  # type: ignore[attr-defined]
        return response
