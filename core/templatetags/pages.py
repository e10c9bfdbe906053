"""What templates need to know of the page they are part of."""

from __future__ import annotations

from django import template
from django.template.context import RequestContext

register = template.Library()


@register.simple_tag(takes_context=True)
def current(context: RequestContext, path: str) -> str:
    """'page' for the navigation link of the page shown, 'true' for the section it is in, else nothing."""
    shown = context["request"].path
    if shown == path:
        return "page"
    return "true" if path != "/" and shown.startswith(path) else ""


@register.simple_tag(takes_context=True)
def socket_path(context: RequestContext) -> str:
    """The page's own socket: '/ws' before its address and query."""
    return f"/ws{context['request'].get_full_path()}"
