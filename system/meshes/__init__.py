"""What every process that reads strangers' meshes needs: readers of every format, corners welded, a child process given nothing.

`model.py` is the door of the readers, `recognise.py` tells what a file is, `reading.py` has what they share.

`child.py` runs inside that process, under the limits of `sandbox.py`; `process.py` starts it and hears it out. What is done with the
triangles belongs to the service that asks. Knows neither HTTP nor a database.
"""

import os

# Of a large model's memory each page is written once. Waiting until the kernel has put large pages together for it takes longer than
# small ones do, several times where memory is in pieces. numpy reads this when it is loaded.
os.environ.setdefault("NUMPY_MADVISE_HUGEPAGE", "0")
