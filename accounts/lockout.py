"""What a locked-out caller gets: the API's envelope for the API, a short page for people."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from core.api import error_body


def locked_out(request: HttpRequest, _response: Any = None, _credentials: Any = None) -> HttpResponse:
    """429 with Retry-After; the same whether or not the account exists."""
    seconds = int(settings.AXES_COOLOFF_TIME.total_seconds())
    if request.path.startswith("/api/"):
        body = error_body("locked_out", extra={"retry_after_s": seconds})
        return JsonResponse(body, status=429, headers={"Retry-After": str(seconds)})
    answer = render(request, "locked_out.html", {"minutes": seconds // 60}, status=429)
    answer["Retry-After"] = str(seconds)
    return answer
