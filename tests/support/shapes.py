"""Whether two answers are alike: the same keys and types, whatever the values."""

from typing import Any


def same_shape(one: Any, other: Any) -> bool:
    """Whether two JSON values have the same keys and types all the way down.

    None, and a list without elements, can stand for anything: a schema says where they may.
    """
    if one is None or other is None:
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_shape(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return (not one or not other) or all(
            any(same_shape(item, partner) for partner in partners)
            for items, partners in ((one, other), (other, one))
            for item in items
        )
    if isinstance(one, float | int) and isinstance(other, float | int):
        return isinstance(one, bool) == isinstance(other, bool)
    return type(one) is type(other)


def without_none(value: Any) -> Any:
    """A JSON value as a version's metadata keeps it: a key whose value is None is left out."""
    if not isinstance(value, dict):
        return value
    return {key: without_none(one) for key, one in value.items() if one is not None}
