"""Back office: people, their venue accounts, and that credentials exist (never what is in them)."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.models import Group

from accounts.models import Credential, User, VenueAccount
from core.admin import ReadOnlyAdmin

admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    list_display = ["email", "display_name", "is_active", "is_staff", "created_at", "last_login"]
    list_filter = ["is_active", "is_staff"]
    search_fields = ["email", "display_name", "uid"]
    exclude = ["password", "groups", "user_permissions"]


@admin.register(VenueAccount)
class VenueAccountAdmin(ReadOnlyAdmin):
    list_display = ["label", "user", "venue", "mode", "account_key", "is_enabled", "created_at"]
    list_filter = ["venue", "mode", "is_enabled"]
    search_fields = ["user__email", "account_key", "label", "uid"]
    list_select_related = ["user"]


@admin.register(Credential)
class CredentialAdmin(ReadOnlyAdmin):
    list_display = ["venue_account", "kind", "key_hint", "kek_id", "created_at", "revoked_at"]
    list_filter = ["kind"]
    exclude = ["wrapped_key", "ciphertext"]
    list_select_related = ["venue_account"]
