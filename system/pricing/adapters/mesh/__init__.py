"""Measuring 3D models: read, measure as it is, check the surface, repair its orientation, remove overlap; and draw a small picture.

`analyse.py` is the sequence; `child.py` runs it in a process of its own (system/meshes); `supervisor.py` starts that process.
"""
