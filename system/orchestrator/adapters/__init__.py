"""Postgres, the other services over HTTP, and the payment that is not ours yet."""
