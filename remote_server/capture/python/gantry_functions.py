"""Makes functions that are named in a file tell the capture library when they begin and end, from the import of their module on.

gantryd writes the file (GANTRY_PYTHON_FUNCTIONS): a line for each function with module, function, domain, category and colour, separated
by tabs. Nothing here may change what the program does; whatever goes wrong is said on standard error and left alone. CPython 3.8 and later.
Little is imported, for every Python program of a target begins with this.
"""
import os
import sys

# inspect.CO_*
_VAR_ARGUMENTS, _VAR_KEYWORDS = 0x4, 0x8
_GENERATOR, _COROUTINE, _ITERABLE_COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x100, 0x200

_function_type = type(lambda: None)
_module_type = type(sys)


def _say(text):
    try:
        sys.stderr.write("gantry: " + text + "\n")
    except Exception:
        pass  # no standard error, or a closed one


class _Target:
    """A function that was asked for."""

    def __init__(self, module, path, domain, category, color):
        self.module = module
        self.path = path
        self.domain = domain
        self.category = category
        self.color = color
        self.is_settled = False  # traced, or said why not

    def give_up(self, reason):
        self.is_settled = True
        _say("Python function %s.%s is not traced: %s" % (self.module, self.path, reason))


# ---- telling the capture library


class _Site:
    """The ends of a function's ranges. `begin` is true if the range is recorded, and then `end` is due."""

    __slots__ = ("begin", "end")

    def __init__(self, begin, end):
        self.begin = begin
        self.end = end

    def __reduce__(self):
        # A function that is sent to another process by value, as cloudpickle does, is not traced there, and needs nothing of ours.
        import types
        return types.SimpleNamespace, (), {"begin": bool, "end": bool}


class _Library:
    """The capture library. Its two functions are called by CPython itself: through ctypes a call would take several times as long."""

    def __init__(self, path):
        import ctypes
        python = ctypes.pythonapi
        library = ctypes.PyDLL(path)

        def address(function):
            return ctypes.cast(function, ctypes.c_void_p)

        # Without the lock of the interpreter: it waits for gantryd's first word.
        ctypes.CDLL(path).gantry_python_enter()
        library.gantry_python_use.argtypes = [ctypes.c_void_p] * 4
        library.gantry_python_use(address(python.PyCapsule_GetPointer), address(python.Py_IncRef), id(True), id(False))
        self._site = library.gantry_python_site
        self._site.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_uint32, ctypes.c_char_p]
        self._site.restype = ctypes.c_void_p
        library.gantry_python_method.argtypes = [ctypes.c_int]
        library.gantry_python_method.restype = ctypes.c_void_p
        self._begin_method = library.gantry_python_method(0)
        self._end_method = library.gantry_python_method(1)
        self._new_capsule = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)(
            ("PyCapsule_New", python))
        self._new_function = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)(
            ("PyCFunction_NewEx", python))

    def site(self, target):
        place = self._site(target.domain.encode(), target.category.encode(), target.color, target.path.encode())
        if not place:
            raise MemoryError("no memory for its name")
        capsule = self._new_capsule(place, None, None)
        return _Site(self._new_function(self._begin_method, capsule, None), self._new_function(self._end_method, capsule, None))


_library = None


def _site_of(target):
    global _library
    if _library is None:
        _library = _Library(os.environ["NVTX_INJECTION64_PATH"])
    return _library.site(target)


# ---- functions that stand in for others


class _Steps:
    """What a generator or a coroutine does from one resumption to the next, each a range of its own: between them others run."""

    __slots__ = ("_site", "_inner")

    def __init__(self, site, inner):
        self._site = site
        self._inner = inner

    def __iter__(self):
        return self

    __await__ = __iter__

    def __next__(self):
        return self.send(None)

    def send(self, value):
        if self._site.begin():
            try:
                return self._inner.send(value)
            finally:
                self._site.end()
        return self._inner.send(value)

    def throw(self, *error):
        if self._site.begin():
            try:
                return self._inner.throw(*error)
            finally:
                self._site.end()
        return self._inner.throw(*error)

    def close(self):
        if self._site.begin():
            try:
                return self._inner.close()
            finally:
                self._site.end()
        return self._inner.close()


# With the parameters of the function itself: a third of the cost of *args and **kwargs, and what looks at the code sees the same names.
_CALL = """
def make(gantry_site, gantry_function):
    def traced({declared}):
        if gantry_site.begin():
            try:
                return gantry_function({passed})
            finally:
                gantry_site.end()
        return gantry_function({passed})
    return traced
"""
_GENERATED = "<gantry>"


def _parameters(function):
    """How a function of Python declares its parameters, without their defaults, and how they are passed on."""
    code = function.__code__
    positional, names = code.co_argcount, code.co_varnames
    first_keyword = positional + code.co_kwonlyargcount
    first_default = positional - len(function.__defaults__ or ())
    declared, passed = [], []
    for place, name in enumerate(names[:positional]):
        declared.append(name + "=None" if place >= first_default else name)
        passed.append(name)
        if place + 1 == code.co_posonlyargcount:
            declared.append("/")
    rest = first_keyword
    if code.co_flags & _VAR_ARGUMENTS:
        declared.append("*" + names[rest])
        passed.append("*" + names[rest])
        rest += 1
    elif code.co_kwonlyargcount:
        declared.append("*")
    for name in names[positional:first_keyword]:
        declared.append(name + "=None" if name in (function.__kwdefaults__ or {}) else name)
        passed.append(name + "=" + name)
    if code.co_flags & _VAR_KEYWORDS:
        declared.append("**" + names[rest])
        passed.append("**" + names[rest])
    return {"declared": ", ".join(declared), "passed": ", ".join(passed)}


def _traced_call(function, site):
    if type(function) is _function_type:
        scope = {}
        try:
            # With the globals of the function: torch.jit looks up there what the source of the function names.
            exec(compile(_CALL.format(**_parameters(function)), _GENERATED, "exec"), function.__globals__, scope)
        except SyntaxError:
            pass  # names that the compiler itself has made up
        else:
            traced = scope["make"](site, function)
            traced.__defaults__ = function.__defaults__
            traced.__kwdefaults__ = function.__kwdefaults__
            return traced

    def traced(*args, **kwargs):
        if site.begin():
            try:
                return function(*args, **kwargs)
            finally:
                site.end()
        return function(*args, **kwargs)

    return traced


def _traced_generator(function, site):
    def traced(*args, **kwargs):
        return (yield from _Steps(site, function(*args, **kwargs)))

    return traced


def _traced_coroutine(function, site):
    async def traced(*args, **kwargs):
        return await _Steps(site, function(*args, **kwargs).__await__())

    return traced


def _traced_async_generator(function, site):
    async def traced(*args, **kwargs):
        inner = function(*args, **kwargs)
        step = inner.__anext__()
        while True:
            try:
                value = await _Steps(site, step.__await__())
            except StopAsyncIteration:
                return
            try:
                sent = yield value
            except GeneratorExit:
                await inner.aclose()
                raise
            except BaseException as error:
                step = inner.athrow(error)
            else:
                step = inner.asend(sent)

    return traced


def _traced(function, site):
    flags = getattr(getattr(function, "__code__", None), "co_flags", 0)
    if not isinstance(flags, int):
        flags = 0
    if flags & _ASYNC_GENERATOR:
        traced = _traced_async_generator(function, site)
    elif flags & _COROUTINE:
        traced = _traced_coroutine(function, site)
    elif flags & _GENERATOR:
        traced = _traced_generator(function, site)
        if flags & _ITERABLE_COROUTINE:
            import types
            traced = types.coroutine(traced)
    else:
        traced = _traced_call(function, site)
    for name in ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__", "__type_params__"):
        try:
            setattr(traced, name, getattr(function, name))
        except Exception:
            pass  # a function of C has not all of them
    traced.__dict__.update(getattr(function, "__dict__", {}))
    traced.__wrapped__ = function
    if type(function) is _function_type:
        traced.__dict__.setdefault("_torchdynamo_inline", function)  # what torch.compile compiles in its place: the ranges would break the graph
    return traced


class _CannotTrace(Exception):
    pass


def _is_traced(function):
    inner = getattr(function, "__wrapped__", None)
    code = getattr(function, "__code__", None)
    return inner is not None and getattr(code, "co_filename", None) in (__file__, _GENERATED)


def _stand_in(owner, name, found, target):
    """What takes the place of `found`, an attribute of `owner` as its dictionary has it. None: it is traced already."""
    if isinstance(found, (staticmethod, classmethod)):
        if _is_traced(found.__func__):
            return None
        return type(found)(_traced(found.__func__, _site_of(target)))
    if type(found) is property and found.fget is not None:
        if _is_traced(found.fget):
            return None
        return property(_traced(found.fget, _site_of(target)), found.fset, found.fdel, found.__doc__)
    if not callable(found):
        raise _CannotTrace("it is no function but of type %s" % type(found).__name__)
    is_of_instances = hasattr(type(found), "__get__")
    is_builtin = isinstance(found, type(len))
    if hasattr(found, "cache_clear") or not (is_of_instances or is_builtin):
        raise _CannotTrace("it is no plain function but an object of type %s" % type(found).__name__)
    if _is_traced(found):
        return None
    traced = _traced(found, _site_of(target))
    return staticmethod(traced) if isinstance(owner, type) and not is_of_instances else traced


def _attribute(owner, name):
    """As the dictionary has it, so that a method is not bound."""
    if isinstance(owner, type):
        for base in owner.__mro__:
            if name in base.__dict__:
                return base.__dict__[name]
    elif isinstance(owner, _module_type) and name in owner.__dict__:
        return owner.__dict__[name]
    return getattr(owner, name)


def _trace_attribute(owner, name, target):
    found = _attribute(owner, name)
    if isinstance(found, type):  # of a class, the making of an object
        owner, name = found, "__init__"
        found = _attribute(owner, name)
        if found is object.__init__:
            raise _CannotTrace("the class has no __init__")
    traced = _stand_in(owner, name, found, target)
    if traced is None:
        return
    setattr(owner, name, traced)
    # Main modules of spawned processes are copies: their functions call each other by names of the original.
    names = found.__globals__ if isinstance(found, _function_type) and isinstance(owner, _module_type) else None
    if names is not None and names.get(name) is found:
        names[name] = traced


def _trace(module, path, target):
    """False: the module has no such name."""
    parts = path.split(".")
    try:
        owner = module
        for part in parts[:-1]:
            owner = getattr(owner, part)
        _attribute(owner, parts[-1])
    except AttributeError:
        return False
    except Exception as error:
        target.give_up("%s: %s" % (type(error).__name__, error))
        return True
    try:
        _trace_attribute(owner, parts[-1], target)
        target.is_settled = True
    except _CannotTrace as reason:
        target.give_up(str(reason))
    except Exception as error:  # a type that cannot be changed, a library that is not there
        target.give_up("%s: %s" % (type(error).__name__, error))
    return True


# ---- modules that are imported

_wanted = {}  # module: [(target, path in it)], also where the path's first parts may be modules below
_at_import = {}  # module: what else is done with it


def _imported(name):
    module = sys.modules.get(name)
    if module is None:
        return
    for target, path in _wanted.get(name, ()):
        if target.is_settled or _trace(module, path, target):
            continue
        may_be_module = "." in path and hasattr(module, "__path__") and not hasattr(module, path.split(".")[0])
        if not may_be_module:
            target.give_up("module %s has no %s" % (name, path))
    if name in _at_import:
        _at_import[name](module)


class _Loader:
    """Of one module, until it is loaded: nobody sees it afterwards."""

    def __init__(self, loader, name):
        self._loader = loader
        self._name = name

    def create_module(self, spec):
        create = getattr(self._loader, "create_module", None)
        return create(spec) if create else None

    def exec_module(self, module):
        module.__loader__ = self._loader
        if getattr(module, "__spec__", None) is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        try:
            _imported(self._name)
        except Exception as error:
            _say("functions of %s are not traced: %s: %s" % (self._name, type(error).__name__, error))

    def __getattr__(self, name):
        return getattr(self._loader, name)


class _Finder:
    """Asked first for every module; finds those that are wanted as they would be found without it."""

    def find_spec(self, name, path=None, target=None):
        if name not in _wanted and name not in _at_import:
            return None
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            if finder is self or find is None:
                continue
            spec = find(name, path, target)
            if spec is not None:
                if hasattr(spec.loader, "exec_module"):
                    spec.loader = _Loader(spec.loader, name)
                return spec
        return None

    def invalidate_caches(self):
        pass


# ---- the main module, which is run without being imported


class _MainWatch:
    """Traces functions of __main__ as soon as they are there: looks after each line of the module, and costs nothing once all are."""

    def __init__(self, targets):
        self._targets = targets
        self._names = sys.modules["__main__"].__dict__

    def _take(self, code):
        """Looks at what the main module is made of. False: nothing in it is wanted."""
        is_file = not code.co_filename.startswith("<")
        for target in self._targets:
            if target.path.split(".")[0] not in code.co_names and is_file:
                target.give_up("the main program %s has no %s" % (code.co_filename, target.path))
        self._targets = [target for target in self._targets if target.path.split(".")[0] in code.co_names]
        return bool(self._targets)

    def _look(self):
        """True: all are found."""
        for target in self._targets:
            if target.path.split(".")[0] in self._names and not _trace(sys.modules["__main__"], target.path, target):
                target.give_up("the main program has no " + target.path)
        self._targets = [target for target in self._targets if not target.is_settled]
        return not self._targets

    def begin(self):
        if hasattr(sys, "monitoring"):
            self._monitor()
        elif sys.gettrace() is None:
            sys.settrace(self._on_event)
        else:
            for target in self._targets:
                target.give_up("another tool uses sys.settrace, and the main program is not watched beside it")

    # Python 3.12 and later: events of this module alone.
    def _monitor(self):
        monitoring = sys.monitoring
        events = monitoring.events
        tools = [tool for tool in (4, 3) if monitoring.get_tool(tool) is None]
        if not tools:
            for target in self._targets:
                target.give_up("other tools use all of sys.monitoring")
            return
        tool = tools[0]
        monitoring.use_tool_id(tool, "gantry")

        def on_start(code, _offset):
            if code.co_name != "<module>" or sys._getframe(1).f_globals is not self._names:
                return monitoring.DISABLE
            monitoring.set_events(tool, 0)
            if self._take(code):
                monitoring.set_local_events(tool, code, events.LINE)
            else:
                monitoring.free_tool_id(tool)
            return None

        def on_line(code, _line):
            if self._look():
                monitoring.set_local_events(tool, code, 0)
                monitoring.register_callback(tool, events.LINE, None)
                monitoring.register_callback(tool, events.PY_START, None)
                monitoring.free_tool_id(tool)

        monitoring.register_callback(tool, events.PY_START, on_start)
        monitoring.register_callback(tool, events.LINE, on_line)
        monitoring.set_events(tool, events.PY_START)

    # Before: calls of other functions cost a little until all are found.
    def _on_event(self, frame, event, _argument):
        if event != "call" or frame.f_globals is not self._names or frame.f_code.co_name != "<module>":
            return None
        if not self._take(frame.f_code):
            self._end()
            return None
        return self._on_line

    def _on_line(self, frame, _event, _argument):
        if self._look():
            self._end()
            frame.f_trace = None
            return None
        return self._on_line

    def _end(self):
        if sys.gettrace() == self._on_event:
            sys.settrace(None)


def _trace_main_of_spawned(targets):
    """Processes of multiprocessing import the main program under another name and make it their main module then."""

    def at_import(module):
        prepare = module.prepare

        def prepare_and_trace(data):
            prepare(data)
            for target in targets:
                target.is_settled = False
                if "__main__" in sys.modules:
                    _trace(sys.modules["__main__"], target.path, target)

        module.prepare = prepare_and_trace

    _at_import["multiprocessing.spawn"] = at_import


# ---- all of it


def _read(path):
    with open(path, encoding="utf-8", newline="\n") as file:
        for line in file:
            module, function, domain, category, color = line.rstrip("\n").split("\t")
            yield _Target(module, function, domain, category, int(color, 16))


def _say_what_was_never_imported():
    missing = sorted({target.module for targets in _wanted.values() for target, _path in targets
                      if not target.is_settled and target.module not in sys.modules})
    if missing:
        _say("modules whose Python functions were to be traced were not imported: " + ", ".join(missing))
    for targets in list(_wanted.values()):
        for target, _path in targets:
            if not target.is_settled and target.module in sys.modules:
                target.give_up("module %s has no %s" % (target.module, target.path))


def begin():
    """Once, before the program's own first line."""
    path = os.environ.get("GANTRY_PYTHON_FUNCTIONS")
    if not path or not os.environ.get("NVTX_INJECTION64_PATH"):
        return
    if sys.implementation.name != "cpython" or sys.version_info < (3, 8):
        _say("Python functions are traced in CPython 3.8 and later; this is %s %d.%d" % ((sys.implementation.name,) + sys.version_info[:2]))
        return
    of_main = []
    for target in _read(path):
        if target.module == "__main__":
            of_main.append(target)
            continue
        parts = target.path.split(".")
        for count in range(len(parts)):  # torch + nn.Linear.forward is also torch.nn + Linear.forward
            module = ".".join([target.module] + parts[:count])
            _wanted.setdefault(module, []).append((target, ".".join(parts[count:])))
    if of_main:
        _trace_main_of_spawned(of_main)
        _MainWatch(of_main).begin()
    sys.meta_path.insert(0, _Finder())
    for name in list(_wanted):
        _imported(name)
    if os.getpid() == os.getpgid(0):  # the program that was launched: what its children do not import is no news
        import atexit
        atexit.register(_say_what_was_never_imported)
