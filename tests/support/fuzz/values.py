"""Odd values, and mutations of bytes, texts and JSON. Everything draws from the given generator."""

import copy
import json
from random import Random
from typing import Any

TEXTS = (
    "",
    " ",
    "0",
    "-1",
    "1e9",
    "9" * 40,
    "null",
    "true",
    "NaN",
    "Bag",
    "bag",
    "T-shirt/top",
    "new",
    "accepted",
    "../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "%00",
    "\x00",
    "\ud800",
    "é\u202e\u0301",
    "\U0001d518" * 20,
    "=1+1",
    "<script>alert(1)</script>",
    "' OR 1=1 --",
    "{{7*7}}",
    "%s%n%x",
    "a" * 300,
    "b" * 5_000,
    "\r\nX-Injected: 1",
    "fashion_mnist_model:latest",
)

CLASS_NAMES = (
    "Hat",
    "Cap",
    "Glove",
    "Bag",
    "T-shirt/top",
    "hat",
    "Hat\u200d",
    "\u041d\u0430\u0442",
    "H\u0430t",
    "a/../../b",
    "Hat//",
    "Nón lá & mũ (2)",
    "帽子",
    "None",
    "undo",
    "x" * 40,
    "x" * 41,
    "\ufdfa" * 40,
)
"""Names of classes, possible and not."""

NUMBERS = (0, 1, -1, 2, 7, 255, 65_536, 2**31 - 1, 2**31, 2**32, 2**63 - 1, 2**63, -(2**63), 10**30)

_BYTES = (b"\x00", b"\xff", b"\x7f", b"\x80", b"\x00\x00", b"\xff\xff", b"\xff\xff\xff\xff")
_LONG_BYTES = (b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00", b"\x00\x00\x00\x01", b"\x01\x00\x00\x00")
_HEADER_BYTES = 96
_LONGEST_BYTES = 4_000_000


def mutate_bytes(data: bytes, random: Random) -> bytes:
    """One to four changes: bits, bytes, numbers, cuts, repetitions, mostly near the beginning."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 4))):
        if not changed:
            return random.randbytes(random.randrange(64))
        _change_bytes(changed, random)
    return bytes(changed[:_LONGEST_BYTES])


def _change_bytes(data: bytearray, random: Random) -> None:
    at = random.randrange(len(data))
    if random.random() < 0.6:
        at %= _HEADER_BYTES
    length = min(random.choice((1, 2, 4, 16, 256)), len(data) - at)
    match random.randrange(8):
        case 0:
            data[at] ^= 1 << random.randrange(8)
        case 1:
            data[at] = random.randrange(256)
        case 2:
            value = random.choice(_BYTES + _LONG_BYTES)
            data[at : at + len(value)] = value
        case 3:
            del data[at : at + length]
        case 4:
            data[at:at] = random.randbytes(length)
        case 5:
            del data[random.randrange(len(data)) :]
        case 6:
            data[at:at] = data[at : at + length] * random.choice((1, 2, 50))
        case 7:
            data += random.choice((b"\x00" * 1_000, random.randbytes(100), bytes(data[:1_000])))


def text(random: Random) -> str:
    """An odd text."""
    return random.choice(TEXTS)


def json_value(random: Random) -> Any:
    """An odd value of any JSON type; some cannot be written as strict JSON."""
    if random.random() < 0.4:
        return text(random)
    nested: Any = []
    for _ in range(random.choice((3, 50, 900))):
        nested = [nested]
    return random.choice(
        (
            None,
            True,
            False,
            random.choice(NUMBERS),
            random.choice((0.5, -0.0, 1e308, float("inf"), float("nan"))),
            text(random),
            [],
            {},
            [text(random)] * 3,
            {text(random): 1},
            nested,
        )
    )


def mutate_json(valid: dict[str, Any], names: list[str], random: Random) -> bytes:
    """A JSON body made from a valid one: values, keys, nesting, encoding, bytes."""
    body: Any = copy.deepcopy(valid)
    for _ in range(random.choice((0, 1, 1, 2, 3))):
        name = random.choice([*names, "unknown"])
        if random.random() < 0.2:
            body.pop(name, None)
        else:
            body[name] = json_value(random)
    if random.random() < 0.1:
        body = json_value(random)
    written = json.dumps(body, ensure_ascii=random.random() < 0.7)
    if random.random() < 0.05 and isinstance(body, dict) and names:
        written = written[:-1] + f', "{names[0]}": 1, "{names[0]}": 2}}'
    encoding = random.choice(("utf-8",) * 8 + ("utf-16", "utf-32"))
    data = written.encode(encoding, "surrogatepass")
    return mutate_bytes(data, random) if random.random() < 0.2 else data
