"""Registers a component of Streamlit whose HTML, CSS and JavaScript are files in its folder."""

from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer


def register(
    module_file: str, *, scripts: tuple[str, ...] = (), isolate_styles: bool = True
) -> ComponentRenderer:
    """Return what mounts the component of a package, whose `__file__` is `module_file`.

    The files are named after the package's folder. `scripts` are joined in this order to one
    module; without them there is one. Raises OSError for a file that is not there.
    """
    folder = Path(module_file).parent
    name = folder.name

    def read(file: str) -> str:
        return (folder / file).read_text(encoding="utf-8")

    return st.components.v2.component(
        f"wardrobe_{name}",
        html=read(f"{name}.html"),
        css=read(f"{name}.css"),
        js="\n".join(read(script) for script in scripts or (f"{name}.js",)),
        isolate_styles=isolate_styles,
    )
