"""PostgreSQL and the other services."""
