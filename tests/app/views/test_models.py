"""The details of a version: what it takes for what, how it was trained, how it compares."""

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.views.test_pages import READY, an_epoch, opened, run_in, stand_in_for_both, words
from tests.support.processes import ROOT
from tests.support.scripted_server import ScriptedServer

CLASSES = ["Shirt", "Coat", "Bag"]
MEASURED = {
    "class_names": CLASSES,
    "confusion_matrix": [[960, 37, 3], [20, 980, 0], [0, 0, 1000]],
    "learning_curves": [an_epoch(1), an_epoch(2)],
    "calibration_error": 0.0123,
    "temperature": 1.2345,
}


def version(name: str, day: int, shares: tuple[float, ...], **metadata: Any) -> dict[str, Any]:
    """A version as the trainer tells it. The one called `served` is."""
    by_class = dict(zip(CLASSES, shares, strict=False))
    return {
        "tag": f"fashion_mnist_model:{name}",
        "version": name,
        "champion": name == "served",
        "created_at": f"2026-01-{day:02}T03:04:05+00:00",
        "metadata": {"accuracy": 0.9, "per_class_accuracy": by_class, **metadata},
        "size_bytes": 1_000_000,
    }


NEW = version("new", 4, (0.96, 0.98, 1.0), **MEASURED)
SERVED = version("served", 3, (0.95, 0.99, 1.0))
OLD = version("old", 2, (0.97, 0.9, 0.9))


@pytest.fixture(autouse=True)
def three_versions(scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_in("cancelled", ended_at="2026-01-02T03:05:06+00:00")
    stand_in_for_both(scripted, monkeypatch, run, READY, [NEW, SERVED, OLD])


def unfolded(name: str) -> AppTest:
    """The Models page with the details of one version in sight."""
    at = opened("models")
    at.session_state[f"details_{name}"] = True
    at.run()
    assert not at.exception
    return at


def charts(at: AppTest) -> dict[str, Any]:
    """The figure of each chart by its title."""
    found = [json.loads(element.proto.json) for element in at.get("bidi_component")]
    return {one["title"]: json.loads(one["figure"]) for one in found}


def gains(at: AppTest) -> tuple[str, dict[str, str]]:
    """What the version is compared with, and the words beside each class's bar."""
    [(title, figure)] = [one for one in charts(at).items() if one[0].startswith("Better")]
    [bars] = figure["data"]
    return title, dict(zip(bars["y"], bars["text"], strict=True))


def test_no_chart_is_made_while_details_are_folded() -> None:
    assert not charts(opened("models"))


def test_a_link_to_a_version_unfolds_its_details() -> None:
    at = AppTest.from_file(str(ROOT / "app" / "streamlit_app.py"), default_timeout=30).run()
    at.query_params["version"] = "old"
    at.switch_page("views/models.py").run()
    assert not at.exception
    assert gains(at)[1]["Coat"] == "-9.0"


def test_what_was_measured_is_told() -> None:
    said = words(unfolded("new"))
    assert "<dt>Calibration error</dt><dd>1.2 %</dd>" in said
    assert "<dt>Temperature</dt><dd>1.23</dd>" in said


def test_mistakes_have_a_colour_and_a_sentence_and_the_diagonal_has_no_colour() -> None:
    figure = charts(unfolded("new"))["What it takes for what"]
    [cells] = figure["data"]
    assert [cells["z"][place][place] for place in range(3)] == [0, 0, 0]
    assert cells["z"][0][1] > cells["z"][1][0] > cells["z"][0][2] > 0
    assert cells["text"][0] == ["", "37", "3"]
    assert cells["customdata"][0][1] == "37 of 1,000 Shirt named Coat"
    assert [mark["text"] for mark in figure["layout"]["annotations"]] == ["960", "980", "1000"]


def test_the_training_of_a_version_is_drawn_by_its_epochs() -> None:
    drawn = charts(unfolded("new"))
    training, held_back = drawn["Loss"]["data"]
    assert (training["x"], training["y"]) == ([1, 2], [0.5, 0.5])
    assert (held_back["x"], held_back["y"]) == ([1, 2], [0.4, 0.4])
    training, held_back = drawn["Accuracy"]["data"]
    assert (training["y"], held_back["y"]) == ([0.8, 0.8], [0.85, 0.85])


def test_a_version_from_before_has_only_its_classes() -> None:
    at = unfolded("old")
    assert list(charts(at)) == ["Accuracy by class", "Better or worse than served, in points"]
    for fact in ("Calibration error", "Temperature"):
        assert fact not in words(at)


def test_a_version_is_compared_with_the_one_served_until_another_is_chosen() -> None:
    at = unfolded("new")
    choice = at.selectbox(key="compare_new")
    assert list(choice.options) == ["served (served)", "old"]
    title, differences = gains(at)
    assert "than served" in title
    assert differences == {"Shirt": "+1.0", "Coat": "-1.0", "Bag": "same"}
    choice.set_value("old").run()
    assert not at.exception
    title, differences = gains(at)
    assert "than old" in title
    assert differences == {"Shirt": "-1.0", "Coat": "+8.0", "Bag": "+10.0"}
    assert [bars["name"] for bars in charts(at)["Accuracy by class"]["data"]] == ["new", "old"]


def test_better_and_worse_differ_in_colour_and_in_direction() -> None:
    at = unfolded("new")
    [figure] = [one for title, one in charts(at).items() if title.startswith("Better")]
    [bars] = figure["data"]
    shirt, coat, _ = bars["marker"]["color"]
    assert ("green" in shirt, "red" in coat) == (True, True)
    assert bars["x"][:2] == [0.01, -0.01]
    assert bars["customdata"][0] == "+1.0 points, better than served"


def test_the_one_served_is_compared_with_the_newest_other() -> None:
    title, differences = gains(unfolded("served"))
    assert "than new" in title
    assert differences["Shirt"] == "-1.0"


def test_a_lone_version_is_compared_with_nothing(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in_for_both(scripted, monkeypatch, run_in("succeeded"), READY, [SERVED])
    at = unfolded("served")
    assert not at.selectbox
    assert list(charts(at)) == ["Accuracy by class"]
