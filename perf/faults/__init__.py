"""The fault matrix: seeded crowds of orders on a real system, one fault in the middle of each, and what must hold afterwards."""
