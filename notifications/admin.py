"""Back office: alerts and what waits in the outbox."""

from __future__ import annotations

from django.contrib import admin

from core.admin import ReadOnlyAdmin
from notifications.models import Alert, OutboxMessage


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "level", "code", "title", "user", "seen_at"]
    list_filter = ["level", "code"]
    search_fields = ["title", "body", "user__email", "uid"]
    list_select_related = ["user"]


@admin.register(OutboxMessage)
class OutboxMessageAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "topic", "group", "dedupe_key", "attempts", "delivered_at"]
    list_filter = ["topic"]
    search_fields = ["dedupe_key"]
    ordering = ["-id"]
