"""Brings a machine from a bare checkout to everything `make up` and `make test` need.

Only the standard library: this runs before the virtual environment exists. Every step is idempotent and may be killed at
any point; the next run carries on. State lives in `.alexandrite/` at the root of the checkout.
"""
