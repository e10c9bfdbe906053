"""`manage.py verify_audit`: walk every chain from its first entry, against the anchors; exit code 2 for any finding.

`--accept "why"` is for a backup that was brought back on purpose: it stays on record, and what the anchors knew of the
database that was given up is set aside from then on.
"""

from __future__ import annotations

import getpass
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from audit.anchors import FILE_NAME, AnchorFile, AnchorsDamaged, read_anchors
from audit.selectors import WHAT_TO_DO, WHAT_TO_DO_BEHIND, audit_verify, chain_names
from audit.services_anchors import anchors_accept


class Command(BaseCommand):
    help = "Verify every audit chain from its first entry, and hold it against the anchors outside the database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--anchors", type=Path, action="append", metavar="FILE", help="an anchor file (one per host that trades)"
        )
        parser.add_argument("--accept", metavar="WHY", help="the database is behind the anchors for this reason")

    def handle(self, **given: Any) -> None:
        paths: list[Path] = given["anchors"] or [Path(settings.DATA_DIR) / FILE_NAME]
        if given["accept"]:
            self._accept(paths, given["accept"])
        problems = audit_verify(paths)
        for problem in problems:
            self.stderr.write(problem)
        if problems:
            self.stderr.write(f"{WHAT_TO_DO} {WHAT_TO_DO_BEHIND}")
            sys.exit(2)
        lines = [line for path in paths for line in read_anchors(path)]
        for line in lines:
            if line.accepted:
                self.stdout.write(f"Anchors before line {line.line} were set aside on {line.at}: {line.accepted}")
        if not lines:
            self.stdout.write("There is no anchor yet: only the chains themselves were looked at. The guard writes it.")
        self.stdout.write(f"{len(chain_names())} chains verified, {len(lines)} anchors.")

    def _accept(self, paths: list[Path], reason: str) -> None:
        try:
            for path in paths:
                anchors_accept(file=AnchorFile(path), reason=reason, actor=f"command:{getpass.getuser()}")
        except (OSError, AnchorsDamaged) as problem:
            self.stderr.write(f"Nothing was accepted: {problem} Keep the file elsewhere and try again without it.")
            sys.exit(2)
