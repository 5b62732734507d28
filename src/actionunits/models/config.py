"""Plain values (TOML, JSON) to frozen dataclasses and back; an unknown key is an error with the nearest."""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from actionunits.errors import UserError

__all__ = ["from_plain", "to_plain"]

T = TypeVar("T")


def to_plain(value: Any) -> Any:
    """Nested dataclasses, tuples and mappings to dicts, lists and scalars that JSON and TOML can hold.

    >>> from actionunits.records import InputSpec
    >>> to_plain(InputSpec(aus=(1, 2), size_px=64, inter_ocular_px=26.0))["aus"]
    [1, 2]
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    return value


def from_plain(cls: type[T], values: Mapping[str, Any], where: str) -> T:
    """Build the dataclass ``cls`` from plain values; lists become tuples, tables become dataclasses.

    Args:
        cls: a dataclass.
        values: key to plain value; keys that are left out take the dataclass's defaults.
        where: how to name the place in an error, such as ``[training]``.

    Raises:
        UserError: an unknown key (with the nearest known one), a missing one, or a value of the wrong kind.

    >>> from actionunits.records import InputSpec
    >>> from_plain(InputSpec, {"aus": [1, 2], "size_px": 64, "inter_ocular_px": 26}, "[model]").aus
    (1, 2)
    """
    fields = {field.name: field for field in dataclasses.fields(cls) if field.init}  # type: ignore[arg-type]
    for key in values:
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise UserError(f"{where} does not know {key!r}: {hint}Known: {', '.join(fields)}")
    hints = typing.get_type_hints(cls)
    given = {key: _convert(hints[key], value, f"{where} {key}") for key, value in values.items()}
    missing = [
        name
        for name, field in fields.items()
        if name not in given
        and field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise UserError(f"{where} needs {', '.join(missing)}: give a value")
    try:
        return cls(**given)
    except ValueError as problem:
        raise UserError(f"{where}: {problem}") from problem


def _convert(kind: Any, value: Any, where: str) -> Any:
    origin = typing.get_origin(kind)
    if kind is Any:
        return value
    if origin in (typing.Union, types.UnionType):
        return _convert_union(kind, value, where)
    if origin is typing.Literal:
        return _one_of(typing.get_args(kind), value, where)
    if origin is tuple:
        return _convert_tuple(typing.get_args(kind), value, where)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return dict(_expect(Mapping, value, where, "a table"))
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return from_plain(kind, _expect(Mapping, value, where, "a table"), where)
    return _convert_scalar(kind, value, where)


def _convert_union(kind: Any, value: Any, where: str) -> Any:
    options = typing.get_args(kind)
    if value is None and type(None) in options:
        return None
    problems = []
    for option in options:
        if option is type(None):
            continue
        try:
            return _convert(option, value, where)
        except UserError as problem:
            problems.append(problem)
    if len(problems) == 1 or isinstance(value, Mapping):  # a table's own mistake says more than the choice
        raise problems[-1]
    raise UserError(f"{where} must be {' or '.join(map(_kind_name, options))}, got {value!r}")


def _kind_name(kind: Any) -> str:
    if kind is bool:
        return "true or false"
    return "a table" if dataclasses.is_dataclass(kind) else str(getattr(kind, "__name__", kind))


def _convert_tuple(kinds: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    items = _expect((list, tuple), value, where, "a list")
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_convert(kinds[0], item, where) for item in items)
    if len(items) != len(kinds):
        raise UserError(f"{where} must be a list of {len(kinds)} values, got {len(items)}")
    return tuple(_convert(kind, item, where) for kind, item in zip(kinds, items, strict=True))


def _convert_scalar(kind: Any, value: Any, where: str) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(kind, type) and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
        raise UserError(f"{where} must be {kind.__name__}, got {value!r} ({type(value).__name__})")
    return value


def _one_of(options: tuple[Any, ...], value: Any, where: str) -> Any:
    if value not in options:
        near = difflib.get_close_matches(str(value), [str(option) for option in options], n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise UserError(f"{where} cannot be {value!r}: {hint}Known: {', '.join(map(str, options))}")
    return value


def _expect(kind: Any, value: Any, where: str, name: str) -> Any:
    if not isinstance(value, kind):
        raise UserError(f"{where} must be {name}, got {value!r}")
    return value
