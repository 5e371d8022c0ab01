"""Stands in for actions/upload-artifact."""
