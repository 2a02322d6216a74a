"""What counts in a picture, in colours and in words."""

import io

from PIL import Image

from app.text import importance


def grid(**cells: float) -> list[list[float]]:
    """Importance that is the same within a part of the picture: `r<row>c<column>`, each 0 to 2."""
    rows = [[0.001] * 28 for _ in range(28)]
    for name, value in cells.items():
        for row in range(28):
            for column in range(28):
                if name == f"r{row * 3 // 28}c{column * 3 // 28}":
                    rows[row][column] = value
    return rows


def grey(value: int) -> bytes:
    file = io.BytesIO()
    Image.new("L", (28, 28), value).save(file, "PNG")
    return file.getvalue()


def test_the_parts_that_count_are_named_the_most_important_first() -> None:
    assert importance.places(grid(r0c0=1.0)) == ["top left"]
    assert importance.places(grid(r2c1=1.0, r1c1=0.9)) == ["bottom"]
    assert importance.places(grid(r2c1=0.5, r1c1=0.6, r0c2=0.4)) == ["middle", "bottom"]
    assert importance.places([[0.0] * 28 for _ in range(28)]) == []


def test_parts_are_those_of_the_article_not_of_the_frame() -> None:
    shoe = [[0.0] * 28 for _ in range(28)]
    for row in range(20, 26):
        shoe[row] = [0.1] * 28
    shoe[20][0:9] = [1.0] * 9
    assert importance.places(shoe)[0] == "top left"


def test_what_speaks_against_the_class_is_noticed_and_orange() -> None:
    assert importance.counts_against(grid(r1c1=-0.5))
    assert not importance.counts_against(grid(r1c1=0.5))
    shown = Image.open(io.BytesIO(importance.colour(grey(100), grid(r0c0=1.0, r2c2=-1.0))))
    assert shown.size == (importance.PIXELS, importance.PIXELS)
    red, green, _ = shown.getpixel((10, 10))  # type: ignore[misc]  # an RGB picture
    assert green > red + 50
    red, green, blue = shown.getpixel((214, 214))  # type: ignore[misc]
    assert red > green > blue
    plain = shown.getpixel((112, 112))
    assert plain == (75, 75, 75)
