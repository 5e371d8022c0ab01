"""Meshes measured at the speed of reading them: loops compiled to machine code, in one pass, within small memory.

found = scan(file)
if found.oriented: found.volume
"""

from system.meshes.engine.depth import overlap_volume
from system.meshes.engine.edges import EdgeCounts, count_edges
from system.meshes.engine.scan import Body, Scan, scan
from system.meshes.engine.sources import source_of

__all__ = ["Body", "EdgeCounts", "Scan", "count_edges", "overlap_volume", "scan", "source_of"]
