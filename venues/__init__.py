"""Everything that speaks to a venue or a game feed. Plain Python: no Django, no Celery, no Redis."""
