"""Hash chains of everything that mattered. See `audit.services` for how a row is written and verified.

Invariant: rows are only ever inserted. Python refuses a change here, triggers refuse it in the database, and a hash
over the predecessor finds what went around both.
"""

from __future__ import annotations

from django.db import models

from core.models import AppendOnly, PublicId


class AuditChain(models.Model):
    """The head of a chain, so that an append reads one row; it is derived and can be rebuilt from the entries."""

    name = models.CharField(max_length=80, unique=True)
    seq = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64, default="", blank=True)

    def __str__(self) -> str:
        return f"{self.name} #{self.seq}"


class AuditEntry(PublicId, AppendOnly):
    chain = models.CharField(max_length=80)
    seq = models.PositiveBigIntegerField()
    actor = models.CharField(max_length=120)
    kind = models.CharField(max_length=64, db_index=True)
    subject_type = models.CharField(max_length=48, blank=True)
    subject_uid = models.CharField(max_length=64, blank=True, db_index=True)
    payload = models.TextField(help_text="Canonical JSON; hashed as it stands.")
    prev_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["chain", "seq"]
        verbose_name_plural = "audit entries"
        constraints = [models.UniqueConstraint(fields=["chain", "seq"], name="auditentry_no_fork")]

    def __str__(self) -> str:
        return f"{self.chain} #{self.seq} {self.kind}"
