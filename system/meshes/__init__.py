"""What every process that reads strangers' meshes needs: a reader of STL, corners welded, and a child process that is given nothing.

`child.py` runs inside that process, under the limits of `sandbox.py`; `process.py` starts it and hears it out. What is done with the
triangles belongs to the service that asks. Knows neither HTTP nor a database.
"""
