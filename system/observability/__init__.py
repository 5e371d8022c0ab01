"""Keeps what every process tells of its work, and shows it: traces of orders, log lines, failures, stages, figures, alerts."""
