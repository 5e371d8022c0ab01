"""OTLP, the API, the pages, the command line."""
