"""Checks that functions which are traced do what they do untraced. usage: traced_program.py START_METHOD…"""
import asyncio
import inspect
import multiprocessing
import pickle
import sys

import traced_library
from traced_library import plain


def step(n):
    return helper(n) + 1


def helper(n):
    return n


class Trainer:
    def run(self):
        return step(1)


def work(x):
    return step(x) + plain(x)


def check_functions():
    assert plain(1) == 6 and plain(1, c=0) == 3
    assert str(inspect.signature(plain)) == "(a, b=2, *, c=3)", inspect.signature(plain)
    assert (plain.__name__, plain.__doc__, plain.__module__) == ("plain", "Adds.", "traced_library")
    assert inspect.isfunction(plain) and pickle.loads(pickle.dumps(plain)) is plain
    assert traced_library.shape(1, 2, 3, e=5) == (1, 2, 3, 4, (), 5, 6, {})
    assert traced_library.shape(1, 2, 3, 9, 10, e=5, f=7, g=8) == (1, 2, 3, 9, (10,), 5, 7, {"g": 8})
    assert inspect.getfullargspec(traced_library.shape).kwonlyargs == ["e", "f"]
    try:
        traced_library.raises()
    except ValueError as error:
        assert str(error) == "as it should"
    else:
        raise AssertionError("the exception is gone")
    assert traced_library.cached(3) == 3 and traced_library.cached.cache_info().misses == 1


def check_generators():
    assert inspect.isgeneratorfunction(traced_library.count)
    generator = traced_library.count(2)
    assert next(generator) == 0 and generator.send("x") == 1
    try:
        generator.send("y")
    except StopIteration as end:
        assert end.value == ["x", "y"]
    generator = traced_library.count(5)
    next(generator)
    generator.close()
    generator = traced_library.count(5)
    next(generator)
    try:
        generator.throw(KeyError("k"))
    except KeyError:
        return
    raise AssertionError("the exception is gone")


def check_asynchronous_functions():
    assert inspect.iscoroutinefunction(traced_library.coroutine)
    assert asyncio.run(traced_library.coroutine(5)) == 5
    assert inspect.isasyncgenfunction(traced_library.ticks)

    async def all_ticks():
        unfinished = traced_library.ticks(3)
        assert await unfinished.__anext__() == 0
        assert await unfinished.asend("s") == 1
        await unfinished.aclose()
        return [i async for i in traced_library.ticks(3)]

    assert asyncio.run(all_ticks()) == [0, 1, 2]


def check_methods():
    model = traced_library.Model.make()
    assert isinstance(model, traced_library.Model) and model.size == 7
    assert model.forward(2) == 14 and model.area == 49
    assert traced_library.Model.double(4) == 8 and model.double(4) == 8
    assert traced_library.Derived().inherited() == "base" and traced_library.Base().inherited() == "base"
    assert Trainer().run() == 2


if __name__ == "__main__":
    check_functions()
    check_generators()
    check_asynchronous_functions()
    check_methods()
    import json
    assert json.dumps([1]) == "[1]"
    assert sys.has_own_sitecustomize
    assert not [place for place in sys.path if "gantry-python" in place], sys.path
    for method in sys.argv[1:]:
        with multiprocessing.get_context(method).Pool(2) as pool:
            assert pool.map(work, range(4)) == [6, 8, 10, 12]
            pool.close()
            pool.join()
    print("everything is as it was")
