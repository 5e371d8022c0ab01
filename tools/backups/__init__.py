"""Backups of the databases in the hands of people: one now, a restore that is only tried, a restore that is meant."""
