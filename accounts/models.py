"""Users (by e-mail), their accounts at venues and the encrypted credentials of those accounts."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower

from core.models import PublicId, Stamped, choices_of, only
from venues.types import Venue


class Mode(StrEnum):
    """Where orders go: our simulators, the paper gateway against live books, or the venue."""

    SIMULATED = "simulated"
    PAPER = "paper"
    LIVE = "live"


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, **{**fields, "is_staff": True, "is_superuser": True})

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").strip().lower())


class User(PublicId, Stamped, AbstractBaseUser, PermissionsMixin):
    """A person. The e-mail address is the login name and is kept in lower case."""

    email = models.EmailField(unique=True)
    display_name = models.CharField(max_length=80, blank=True)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_ci")]

    def __str__(self) -> str:
        return self.email


class VenueAccount(PublicId, Stamped):
    """One account at one venue in one mode. `account_key` is the venue's own name of it (key id, funder address)."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="venue_accounts")
    venue = models.CharField(max_length=16, choices=choices_of(Venue))
    mode = models.CharField(max_length=16, choices=choices_of(Mode), default=Mode.SIMULATED)
    label = models.CharField(max_length=80, blank=True)
    account_key = models.CharField(max_length=128)
    is_enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            only("venue", Venue),
            only("mode", Mode),
            models.UniqueConstraint(fields=["user", "venue", "mode", "account_key"], name="venueaccount_once"),
        ]

    def __str__(self) -> str:
        return self.label or f"{self.venue} {self.account_key[:8]}…"


class CredentialKind(StrEnum):
    KALSHI_KEY = "kalshi_key"
    POLYMARKET_WALLET = "polymarket_wallet"


CREDENTIAL_OF = {Venue.KALSHI: CredentialKind.KALSHI_KEY, Venue.POLYMARKET: CredentialKind.POLYMARKET_WALLET}
"""What an account at a venue signs in with."""


class Credential(PublicId, Stamped):
    """A venue secret in an AES-256-GCM envelope bound to its owner, venue and row; see `accounts.vault`."""

    venue_account = models.ForeignKey(VenueAccount, on_delete=models.PROTECT, related_name="credentials")
    kind = models.CharField(max_length=32, choices=choices_of(CredentialKind))
    key_hint = models.CharField(max_length=16, help_text="The last characters of the public key id.")
    version = models.PositiveSmallIntegerField(default=1)
    kek_id = models.CharField(max_length=16)
    wrapped_key = models.BinaryField()
    ciphertext = models.BinaryField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            only("kind", CredentialKind),
            models.UniqueConstraint(
                fields=["venue_account", "kind"],
                condition=models.Q(revoked_at__isnull=True),
                name="credential_one_active",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} …{self.key_hint}"
