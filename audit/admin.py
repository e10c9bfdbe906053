"""Back office: the audit trail, to read."""

from __future__ import annotations

from django.contrib import admin

from audit.models import AuditChain, AuditEntry
from core.admin import ReadOnlyAdmin


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "chain", "seq", "actor", "kind", "subject_type", "subject_uid"]
    list_filter = ["kind", "subject_type"]
    search_fields = ["chain", "actor", "subject_uid", "payload"]
    ordering = ["-id"]


@admin.register(AuditChain)
class AuditChainAdmin(ReadOnlyAdmin):
    list_display = ["name", "seq", "hash"]
    search_fields = ["name"]
