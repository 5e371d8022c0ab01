"""What every process that reads strangers' meshes needs: readers of every format, corners welded, a child process given nothing.

`model.py` is the door of the readers, `recognise.py` tells what a file is, `reading.py` has what they share.

`child.py` runs inside that process, under the limits of `sandbox.py`; `process.py` starts it and hears it out. What is done with the
triangles belongs to the service that asks. Knows neither HTTP nor a database.
"""
