# Python runs this at its start, because gantryd has put its folder first on PYTHONPATH of the target. It makes the functions that were
# asked for tell about their calls, steps aside, and lets the sitecustomize run that would have run without it. Python 2 reads it as well.
import os
import sys

_folder = os.path.dirname(os.path.abspath(__file__))
try:
    import gantry_functions
    gantry_functions.begin()
except Exception as error:  # whatever it is: the program is not to suffer for it
    sys.stderr.write("gantry: Python functions are not traced in process %d: %s: %s\n" % (os.getpid(), type(error).__name__, error))
sys.path[:] = [place for place in sys.path if os.path.abspath(place) != _folder]

_self = sys.modules.pop("sitecustomize", None)
try:
    import sitecustomize
except ImportError as error:
    if getattr(error, "name", "sitecustomize") != "sitecustomize":
        raise
finally:
    if _self is not None:
        sys.modules.setdefault("sitecustomize", _self)
