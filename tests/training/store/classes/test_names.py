"""What a class may be called: every text becomes a name that is safe to show, or a sentence says
why not."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.store import classes
from training.store.classes.names import skeleton
from training.store.corrections import CorrectionError
from training.store.corrections_archive.cells import protect


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Hat", "Hat"),
        ("  Straw \t hat\n", "Straw hat"),
        ("T-shirt/top", "T-shirt/top"),
        ("None", "None"),
        ("null", "null"),
        ("NaN", "NaN"),
        ("007", "007"),
        ("\uff28\uff41\uff54", "Hat"),
        ("Cafe\u0301", "Café"),
        ("L\u2019été", "L'été"),
        ("Size 1\u00bd", "Size 11/2"),
        ("x" * 40, "x" * 40),
        ("帽子", "帽子"),
        ("Tシャツ", "Tシャツ"),
        ("टोपी", "टोपी"),
        ("หมวก", "หมวก"),
        ("قبعة", "قبعة"),
        ("Шапка", "Шапка"),
        ("Καπέλο", "Καπέλο"),
        ("Nón lá & mũ (2)", "Nón lá & mũ (2)"),
    ],
)
def test_names_of_many_languages(text: str, name: str) -> None:
    assert classes.clean(text) == name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "at least one letter or digit"),
        (" \n\t ", "at least one letter or digit"),
        ("x" * 41, "41 characters long"),
        ("\ufdfa" * 3, "54 characters long"),
        ("Hat\x00", "U+0000, which is not visible"),
        ("Hat\x1b[2J", "U+001B"),
        ("Hat\x7f", "U+007F"),
        ("Hat\ud800", "U+D800"),
        ("Hat\u200b", "U+200B"),
        ("Hat\u200d", "U+200D"),
        ("Hat\u00ad", "U+00AD"),
        ("\u202etaH", "U+202E"),
        ("\u2066Hat", "U+2066"),
        ("Hat\ufe0f", "U+FE0F"),
        ("Hat\U000e0100", "U+E0100"),
        ("Hat\u3164", "U+3164"),
        ("Hat\u115f", "U+115F"),
        ("Hat\u2028", "U+2028"),
        ("Hat\ue000", "U+E000"),
        ("\ufffe", "U+FFFE"),
        ("<script>", "'<' (U+003C)"),
        ("Hat*", "'*' (U+002A)"),
        ("[Hat](x)", "'[' (U+005B)"),
        ("$x$", "'$' (U+0024)"),
        (":red[x]", "':' (U+003A)"),
        ("Hat`", "'`' (U+0060)"),
        ("Hat\\", "U+005C"),
        ('"Hat"', "U+0022"),
        ("{label}", "'{' (U+007B)"),
        ("50 %", "'%' (U+0025)"),
        ("🎩", "U+1F3A9"),
        ("=1+1", "'=' (U+003D)"),
        ("+1", "begins with a letter or digit, not with '+'"),
        ("-1", "begins with a letter or digit, not with '-'"),
        ("@SUM(A1)", "'@' (U+0040)"),
        ("'Hat", "begins with a letter or digit"),
        ("../models", "begins with a letter or digit"),
        ("\u0301a", "begins with a letter or digit"),
        ("H\u0430t", "mixes Cyrillic and Latin letters"),
        ("\u0397at", "mixes Greek and Latin letters"),
        ("\u13bbat", "mixes Cherokee and Latin letters"),
        ("Шапка帽", "mixes Cjk and Cyrillic letters"),
        ("a\u0331\u0332\u0333\u0347", "more than 3 combining characters"),
        ("undo", "another one"),
    ],
)
def test_what_is_no_name_says_why(text: str, words: str) -> None:
    with pytest.raises(classes.InvalidName) as raised:
        classes.clean(text)
    message = str(raised.value)
    assert words in message
    assert message.endswith(".")
    assert len(message) < 200
    assert message.isprintable()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hat", "hat"),
        ("Hat", "HAT"),
        ("Hat", "\u041d\u0430\u0442"),
        ("Cap", "\u0441\u0430\u0440"),
        ("Coat", "\u0421\u041e\u0410\u0422"),
        ("Top", "\u03a4\u03bf\u03c1"),
        ("Type O", "Type 0"),
        ("Size I", "Size 1"),
        ("Bill", "BiIl"),
        ("T-shirt/top", "t shirt top"),
        ("Straw-hat", "Straw hat"),
        ("Hat (2)", "Hat 2"),
        ("Masse", "Maße"),
    ],
)
def test_names_that_look_alike(one: str, other: str) -> None:
    assert skeleton(classes.clean(one)) == skeleton(classes.clean(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hat", "Hats"),
        ("Mũ", "Mu"),
        ("Class 11", "Class 1.1"),
        ("Cap", "Cape"),
        ("帽子", "帽"),
        ("Шапка", "Шляпа"),
    ],
)
def test_names_that_do_not(one: str, other: str) -> None:
    assert skeleton(classes.clean(one)) != skeleton(classes.clean(other))


def test_no_two_built_in_classes_look_alike_and_all_are_names() -> None:
    assert [classes.clean(name) for name in classes.BUILT_IN] == list(classes.BUILT_IN)
    assert len({skeleton(name) for name in classes.BUILT_IN}) == 10


ODD = st.characters() | st.sampled_from("Hat -'/&+.,()<>\u200b\u202e\u0430\u0301\ufe0f\ud800\uff28")


@given(st.text(ODD, max_size=60))
def test_any_text_is_a_name_or_a_sentence(text: str) -> None:
    try:
        name = classes.clean(text)
    except CorrectionError as error:
        message = str(error)
        assert message.endswith(".")
        assert message.isprintable()
        return
    assert 1 <= len(name) <= classes.MAX_LENGTH
    assert name == name.strip()
    assert name.isprintable()
    assert classes.clean(name) == name
    assert unicodedata.is_normalized("NFKC", name)
    assert not set(name) & set('<>*_[]`$~|\\#"{}:;=@^%!?')
    assert protect(name) == name
    assert name.encode()
    assert skeleton(name)
