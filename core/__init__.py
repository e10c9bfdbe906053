"""Django glue that every app uses: errors, money, clock, base models, broadcast, queue, API envelope, checks."""
