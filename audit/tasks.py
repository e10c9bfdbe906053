"""The chains are walked now and then, so that tampering is found without anyone asking."""

from __future__ import annotations

import structlog
from celery import shared_task

from audit.selectors import chain_names, chain_verify

log = structlog.get_logger(__name__)


@shared_task(name="audit.tasks.check_chains")
def check_chains() -> int:
    """The number of broken chains; each is logged as an error."""
    problems = [problem for name in chain_names() if (problem := chain_verify(name))]
    for problem in problems:
        log.error("audit_chain_broken", problem=problem)
    return len(problems)
