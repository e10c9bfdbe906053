"""`manage.py verify_audit`: walk every audit chain; exit code 2 when one does not verify."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from audit import services


class Command(BaseCommand):
    help = "Verify every audit chain from its first entry."

    def handle(self, **_given: Any) -> None:
        names = services.chain_names()
        problems = [problem for name in names if (problem := services.chain_verify(name))]
        for problem in problems:
            self.stderr.write(problem)
        if problems:
            sys.exit(2)
        self.stdout.write(f"{len(names)} chains verified.")
