"""Protobuf messages declared in Python, in a pool of their own: no compiler at build time, no generated file to keep.

A message that is declared as ``bytes`` where its sender means a message is handed over undecoded, which protobuf's
wire format allows: both are a length and that many bytes. What repeats in every data point can so be looked up by its
bytes instead of being taken apart again and again.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

_SCALARS = {
    "double": FieldDescriptorProto.TYPE_DOUBLE,
    "int32": FieldDescriptorProto.TYPE_INT32,
    "int64": FieldDescriptorProto.TYPE_INT64,
    "uint32": FieldDescriptorProto.TYPE_UINT32,
    "uint64": FieldDescriptorProto.TYPE_UINT64,
    "sint32": FieldDescriptorProto.TYPE_SINT32,
    "sint64": FieldDescriptorProto.TYPE_SINT64,
    "string": FieldDescriptorProto.TYPE_STRING,
    "bytes": FieldDescriptorProto.TYPE_BYTES,
}


def declare(package: str, messages: Mapping[str, Sequence[str]]) -> dict[str, type[Any]]:
    """Message classes by name. A field is written as in a .proto file, ``repeated Label labels = 1``."""
    file = FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for field in fields:
            *repeated, kind, field_name, _, number = field.split()
            label = FieldDescriptorProto.LABEL_REPEATED if repeated else FieldDescriptorProto.LABEL_OPTIONAL
            added = message.field.add(name=field_name, number=int(number), label=label)
            if kind in _SCALARS:
                added.type = _SCALARS[kind]
            else:
                added.type, added.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".{package}.{kind}"
    pool = DescriptorPool()
    pool.Add(file)
    return message_classes(pool, [f"{package}.{name}" for name in messages])


def message_classes(pool: DescriptorPool, names: Sequence[str]) -> dict[str, type[Any]]:
    """The classes of those messages, by the last part of their name."""
    return {name.rpartition(".")[2]: GetMessageClass(pool.FindMessageTypeByName(name)) for name in names}
