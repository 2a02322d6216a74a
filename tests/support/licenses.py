"""Writes docs/licenses.md, what each package of requirements.lock says about its license.

python -m tests.support.licenses, or make licenses. Reads the metadata of the installed packages.
"""

import re
from importlib import metadata

from tests.support.processes import ROOT

PAGE = ROOT / "docs" / "licenses.md"

_LONGEST = 120
_HEAD = """# Licenses of the packages

Written by `make licenses` from the metadata of the installed packages; a test compares it with
`requirements.lock`. Wardrobe itself is under the [Apache License 2.0](../LICENSE). Packages of the
group `dev` in `pyproject.toml`, and what they need, only test and check it, and are in no image.

Some files come with a license of their own:

- `training/model/u2netp.onnx`, fetched at set-up, is the network u2netp of
  [U-2-Net](https://github.com/xuebinqin/U-2-Net) by Xuebin Qin and others, under the Apache License
  2.0. Its author says that the weights have the license of the code
  ([issue 208](https://github.com/xuebinqin/U-2-Net/issues/208)) and that the licenses of the data
  sets, here DUTS, are not theirs to give. [rembg](https://github.com/danielgatis/rembg) (MIT) made
  the ONNX file.
- The wheel of `pi-heif`, BSD-3-Clause, holds libheif and libde265 (LGPL-3.0) as shared libraries.
  That of `pillow-heif` also holds x265 (GPL-2.0), to write HEIC files: only tests use it.

| package | version | license |
|---|---|---|
"""


def locked_packages() -> dict[str, str]:
    """Version by package, from requirements.lock."""
    lock = (ROOT / "requirements.lock").read_text()
    return dict(re.findall(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE))


def license_of(name: str) -> str:
    """The license that an installed package states, in its own words.

    In its metadata: as an expression, as a short text, or by its classifiers. One that states none
    there is looked up in the license file that came with it.
    """
    package = metadata.metadata(name)
    stated = _field(package, "License-Expression") or _field(package, "License")
    if stated and len(stated) <= _LONGEST and "\n" not in stated:
        return stated
    kinds = [it.split(" :: ")[-1] for it in package.get_all("Classifier") or ()]
    kinds = [it for it in kinds if "License" in it or "Domain" in it]
    if kinds:
        return ", ".join(kinds)
    return f"none in its metadata; {_license_file(name)}"


def _license_file(name: str) -> str:
    for file in metadata.files(name) or ():
        if re.fullmatch(r"(LICENSE|LICENCE|COPYING)(\.\w+)?", file.name):
            first = next(line.strip() for line in file.read_text().splitlines() if line.strip())
            return f"its file `{file.name}` begins with “{first}”"
    return "it has no license file"


def page() -> str:
    """The whole page."""
    rows = [
        f"| {name} | {version} | {license_of(name)} |"
        for name, version in sorted(locked_packages().items())
    ]
    return _HEAD + "\n".join(rows) + "\n"


def _field(package: metadata.PackageMetadata, name: str) -> str:
    values: list[str] = package.get_all(name) or [""]
    return values[0]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
