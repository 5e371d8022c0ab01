"""Levels of detail: `lighter.py` makes a mesh light, in the process of `child.py` that `maker.py` starts; `glb.py` writes them."""
