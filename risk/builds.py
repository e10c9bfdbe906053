"""PT-28: which program, with which limits in its code, may trade for real.

The name of a build is the version it was released as and a fingerprint of what a reviewed commit alone may change: the
hard caps, the defaults and the list of checks. A live account is traded only by a build that the deployment names in
`ALLOWED_BUILDS`; without real money every build may, unless the deployment names some.
"""

from __future__ import annotations

import hashlib
from functools import cache

from django.conf import settings

from risk.checks import CHECKS
from risk.limits import ACCOUNT_DEFAULTS, HARD_CAPS, NAMES


@cache
def config_fingerprint() -> str:
    """Twelve hexadecimal digits; equal where caps, defaults and checks are."""
    caps = [(name, getattr(HARD_CAPS, name), ACCOUNT_DEFAULTS.get(name)) for name in NAMES]
    checks = [(check.pt, check.ask.__name__, str(check.act)) for check in CHECKS]
    return hashlib.sha256(repr((caps, checks)).encode()).hexdigest()[:12]


def running_build() -> str:
    return f"{settings.BUILD}+{config_fingerprint()}"


def is_build_allowed(*, is_live: bool) -> bool:
    allowed = settings.ALLOWED_BUILDS
    return running_build() in allowed if allowed or is_live else True
