"""glTF 2.0: `container.py` opens GLB and glTF, `accessors.py` finds numbers in its buffers, `reader.py` places its meshes."""
