"""typing.NamedTuple, quicker to make.

That one writes the text of a constructor and has it compiled, for every class anew; a dozen of them were a fifth of
what importing the agent took. These are tuples with names, defaults and methods just the same, but a little slower to
make and to read: what there are thousands of, such as items, is a class with slots.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple
else:

    class _Meta(type):
        def __new__(meta, name, bases, namespace):
            fields = tuple(namespace.get("__annotations__", ()))
            defaults = {field: namespace[field] for field in fields if field in namespace}
            places = {field: property(itemgetter(place)) for place, field in enumerate(fields)}
            own = {"__slots__": (), "_fields": fields, "_defaults": defaults}
            return super().__new__(meta, name, bases, {**namespace, **places, **own})

    class NamedTuple(tuple, metaclass=_Meta):
        def __new__(cls, *values, **named):
            if named or len(values) != len(cls._fields):
                values = cls._completed(values, named)
            return super().__new__(cls, values)

        @classmethod
        def _completed(cls, values, named):
            rest = cls._fields[len(values) :]
            given = {**cls._defaults, **named}
            if len(values) > len(cls._fields) or not named.keys() <= set(rest) <= given.keys():
                raise TypeError(f"{cls.__name__} takes each of {', '.join(cls._fields)} once")
            return (*values, *(given[name] for name in rest))

        def _replace(self, **changed):
            return type(self)(**{**dict(zip(self._fields, self)), **changed})  # noqa: B905

        def __repr__(self):
            named = ", ".join(f"{name}={value!r}" for name, value in zip(self._fields, self))  # noqa: B905
            return f"{type(self).__name__}({named})"
