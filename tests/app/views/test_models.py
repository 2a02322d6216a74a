"""Details of a version: metadata, confusion matrix, learning curves, and comparison."""

import re
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app.text.formatting import plain
from tests.support.app.pages import (
    LOADING,
    READY,
    charts,
    epoch_json,
    open_details,
    open_page,
    page_text,
    run_json,
    script_services,
    serving,
)
from tests.support.app.trainer_json import BUILT_IN, classes
from tests.support.scripted_server import ScriptedServer

CLASSES = ["Shirt", "Coat", "Bag"]
MEASURED = {
    "class_names": CLASSES,
    "confusion_matrix": [[960, 37, 3], [20, 980, 0], [0, 0, 1000]],
    "learning_curves": [epoch_json(1), epoch_json(2)],
    "calibration_error": 0.0123,
    "temperature": 1.2345,
}


def version(name: str, day: int, shares: tuple[float, ...], **metadata: Any) -> dict[str, Any]:
    """Return a version in the trainer's JSON. The one called `live1` is live."""
    by_class = dict(zip(CLASSES, shares, strict=False))
    return {
        "tag": f"fashion_mnist_model:{name}",
        "version": name,
        "champion": name == "live1",
        "created_at": f"2026-01-{day:02}T03:04:05+00:00",
        "metadata": {"accuracy": 0.9, "per_class_accuracy": by_class, **metadata},
        "size_bytes": 1_000_000,
    }


NEW = version("new", 4, (0.96, 0.98, 1.0), **MEASURED)
LIVE = version("live1", 3, (0.95, 0.99, 1.0))
OLD = version("old", 2, (0.97, 0.9, 0.9))


@pytest.fixture(autouse=True)
def three_versions(scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_json("cancelled", ended_at="2026-01-02T03:05:06+00:00")
    script_services(scripted, monkeypatch, run, READY, [NEW, LIVE, OLD])


def gains(at: AppTest) -> tuple[str, dict[str, str]]:
    """Return the title of the comparison, and the text beside each class's bar."""
    [(title, figure)] = [one for one in charts(at).items() if one[0].startswith("Compared")]
    [bars] = figure["data"]
    return title, dict(zip(bars["y"], bars["text"], strict=True))


def test_no_chart_is_drawn_while_details_are_closed() -> None:
    assert not charts(open_page("models"))


def test_a_link_to_a_version_opens_its_details() -> None:
    at = open_page("models", version="old")
    assert gains(at)[1]["Coat"] == "-9.0"


def test_a_version_has_its_number_its_recipe_and_its_time_as_a_title(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = {**version("live1", 3, (), recipe="standard"), "number": 7}
    script_services(scripted, monkeypatch, run_json("succeeded"), serving("live1"), [live])
    text = page_text(open_page("models"))
    assert "<h2>v7</h2> <span>standard · 3 Jan 2026, 03:04</span>" in text
    assert "**v7** is live" in text


@pytest.mark.parametrize("name", ["v3", "3"])
def test_a_thousand_versions_are_shown_by_pages_the_live_and_the_linked_one_first(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    many = [
        {**version("live1" if number == 500 else f"x{number}", 3, ()), "number": number}
        for number in range(1000, 0, -1)
    ]
    script_services(scripted, monkeypatch, run_json("succeeded"), READY, many)
    at = open_page("models")
    assert shown(at) == [f"v{number}" for number in (500, *range(1000, 992, -1))]
    at.session_state["versions_page"] = 2
    at.run()
    assert shown(at) == [f"v{number}" for number in (500, *range(992, 984, -1))]
    assert shown(open_page("models", version=name))[:3] == ["v3", "v500", "v1000"]
    lists = [path for _, path, _ in scripted.seen if path.startswith("/models?")]
    assert all("limit=8" in path for path in lists)


def shown(at: AppTest) -> list[str]:
    """Return the titles of the cards."""
    return re.findall(r"<h2>(\w+)</h2>", page_text(at))


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (LOADING, "Waiting for the classifier."),
        ({**READY, "tag": "fashion_mnist_model:live1"}, "**abc** still answers."),
    ],
)
def test_a_version_is_live_only_where_the_classifier_serves_it(
    scripted: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
    state: dict[str, Any],
    words: str,
) -> None:
    script_services(scripted, monkeypatch, run_json("succeeded"), state, [LIVE])
    text = page_text(open_page("models"))
    assert words in text
    assert "is live. You can" not in text
    assert ("waiting for the classifier" in text) == (state is LOADING)


def test_measurements_are_shown() -> None:
    text = page_text(open_details("new", "Training"))
    assert "<dt>Tag</dt><dd>fashion_mnist_model:new</dd>" in text
    assert "<dt>Calibration error</dt><dd>1.2 %</dd>" in text
    assert "<dt>Temperature</dt><dd>1.23</dd>" in text


def test_only_mistakes_have_a_colour_in_the_confusion_matrix() -> None:
    figure = charts(open_details("new"))["Confusion matrix"]
    [cells] = figure["data"]
    assert [cells["z"][place][place] for place in range(3)] == [0, 0, 0]
    assert cells["z"][0][1] > cells["z"][1][0] > cells["z"][0][2] > 0
    assert cells["text"][0] == ["", "37", "3"]
    assert cells["customdata"][0][1] == "Shirt: 37 of 1,000 predicted as Coat"
    assert [mark["text"] for mark in figure["layout"]["annotations"]] == ["960", "980", "1000"]


def test_the_training_of_a_version_is_drawn_by_its_epochs() -> None:
    drawn = charts(open_details("new", "Training"))
    training, validation = drawn["Loss"]["data"]
    assert (training["x"], training["y"]) == ([1, 2], [0.5, 0.5])
    assert (validation["x"], validation["y"]) == ([1, 2], [0.4, 0.4])
    training, validation = drawn["Accuracy"]["data"]
    assert (training["y"], validation["y"]) == ([80, 80], [85, 85])


def test_a_version_from_before_has_only_its_classes() -> None:
    at = open_details("old")
    assert list(charts(at)) == ["Accuracy by class", "Compared with live1, in points"]
    text = page_text(open_details("old", "Training"))
    assert "<dt>Size</dt>" in text
    for fact in ("Calibration error", "Temperature"):
        assert fact not in text


def test_a_version_is_compared_with_the_live_one_until_another_is_chosen() -> None:
    at = open_details("new")
    choice = at.selectbox(key="compare_new")
    assert list(choice.options) == ["live1 (live)", "old"]
    title, differences = gains(at)
    assert "with live1" in title
    assert differences == {"Shirt": "+1.0", "Coat": "-1.0", "Bag": "same"}
    choice.set_value("old").run()
    assert not at.exception
    title, differences = gains(at)
    assert "with old" in title
    assert differences == {"Shirt": "-1.0", "Coat": "+8.0", "Bag": "+10.0"}
    assert [bars["name"] for bars in charts(at)["Accuracy by class"]["data"]] == ["new", "old"]


def test_better_and_worse_differ_in_colour_and_in_direction() -> None:
    at = open_details("new")
    [figure] = [one for title, one in charts(at).items() if title.startswith("Compared")]
    [bars] = figure["data"]
    shirt, coat, _ = bars["marker"]["color"]
    assert ("green" in shirt, "red" in coat) == (True, True)
    assert bars["x"][:2] == [0.01, -0.01]
    assert bars["customdata"][0] == "+1.0 points, better than live1"


def test_the_live_version_is_compared_with_the_newest_other() -> None:
    title, differences = gains(open_details("live1"))
    assert "with new" in title
    assert differences["Shirt"] == "-1.0"


def test_a_lone_version_is_compared_with_nothing(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    script_services(scripted, monkeypatch, run_json("succeeded"), READY, [LIVE])
    at = open_details("live1")
    assert not at.selectbox
    assert list(charts(at)) == ["Accuracy by class"]


def test_a_damaged_version_is_shown_with_what_to_do_and_cannot_be_promoted(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = "fashion_mnist_model:bad is damaged: weights.pt is missing. Restore its folder."
    bad = {**version("bad", 5, ()), "metadata": {}, "error": error}
    run = run_json("cancelled", ended_at="2026-01-02T03:05:06+00:00")
    script_services(scripted, monkeypatch, run, READY, [bad, LIVE, OLD])
    at = open_page("models")
    assert [it.value for it in at.error] == [plain(error)]
    assert "Damaged" in page_text(at)
    assert "promote_bad" not in {it.key for it in at.button}
    assert "promote_old" in {it.key for it in at.button}


def test_what_is_damaged_in_the_state_folder_is_said(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sentence = "corrections.db was damaged: it is empty. A new one is used."
    found = {"problems": [{"path": "corrections.db.damaged-20261128-070000", "error": sentence}]}
    run = run_json("cancelled", ended_at="2026-01-02T03:05:06+00:00")
    script_services(scripted, monkeypatch, run, READY, [LIVE], problems=found)
    assert plain(sentence) in [it.value for it in open_page("models").warning]


@pytest.fixture
def one_with_a_hat(scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Script three versions: the live one learned hats, and one knows own classes only."""
    run = run_json("cancelled", ended_at="2026-01-02T03:05:06+00:00")
    hats = version("live1", 5, (), class_names=[*BUILT_IN, "Hat"])
    old = {**version("old", 4, (), class_names=BUILT_IN), "status": "former"}
    own = version("own", 3, (), class_names=["Hat", "Cup"])
    listed = classes({"Hat": 12, "Cup": 12})
    script_services(scripted, monkeypatch, run, READY, [hats, old, own], classes=listed)


@pytest.mark.usefixtures("one_with_a_hat")
def test_versions_say_which_own_classes_they_know_and_lack() -> None:
    at = open_page("models")
    text = page_text(at)
    assert text.count("Knows Hat too") == 1
    assert "Knows only Hat and Cup" in text
    lacking = [caption.value for caption in at.caption if "know" in caption.value]
    expected = "Doesn't know Hat. The corrections stay: a later run can teach it again."
    assert plain(expected) in lacking


@pytest.mark.usefixtures("one_with_a_hat")
def test_going_back_to_a_version_without_a_class_says_that_its_corrections_stay() -> None:
    at = open_page("models")
    at.button(key="promote_old").click().run()
    assert not at.exception
    [toast] = at.toast
    expected = "old is live on 2 workers after 0.2 s. Doesn't know Hat. The corrections"
    assert toast.value.startswith(plain(expected))


def test_a_version_that_knows_a_class_by_an_earlier_name_does_not_lack_it(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_json("cancelled", ended_at="2026-01-02T03:05:06+00:00")
    live = version("live1", 5, (), class_names=[*BUILT_IN, "Hat"])
    old = version("old", 4, (), class_names=[*BUILT_IN, "Hut"])
    listed = classes({"Hat": 12}, aliases=["Hut"])
    script_services(scripted, monkeypatch, run, READY, [live, old], classes=listed)
    assert "Doesn't know" not in "".join(caption.value for caption in open_page("models").caption)
