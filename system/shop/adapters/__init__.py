"""PostgreSQL, and the other services over HTTP."""
