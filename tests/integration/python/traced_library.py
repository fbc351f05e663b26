"""Functions of every kind, for traced_program.py."""
import functools


def plain(a, b=2, *, c=3):
    """Adds."""
    return a + b + c


def shape(a, b, /, c, d=4, *rest, e, f=6, **more):
    return (a, b, c, d, rest, e, f, more)


def raises():
    raise ValueError("as it should")


def count(n):
    got = []
    for i in range(n):
        got.append((yield i))
    return got


async def coroutine(x):
    import asyncio
    await asyncio.sleep(0)
    return x


async def ticks(n):
    for i in range(n):
        yield i


class Model:
    def __init__(self, size):
        self.size = size

    def forward(self, x):
        return x * self.size

    @classmethod
    def make(cls):
        return cls(7)

    @staticmethod
    def double(x):
        return 2 * x

    @property
    def area(self):
        return self.size ** 2


class Base:
    def inherited(self):
        return "base"


class Derived(Base):
    pass


@functools.lru_cache(None)
def cached(x):
    return x


constant = 3
