"""Figures: every command here prints what it measured, and exits non-zero when a bar is missed."""
