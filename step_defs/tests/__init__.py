"""Tests of the judge itself: a judge that cannot be wrong has to be shown right."""
