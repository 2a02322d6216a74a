"""The bar of corrections that are ready: retrain in place, progress, and what came of it."""

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.support.app import trainer_json
from tests.support.app.pages import (
    FINETUNE,
    READY,
    RECIPES,
    answer_also,
    finished,
    links,
    open_page,
    page_text,
    posted,
    run_json,
    script_services,
)
from tests.support.scripted_server import ScriptedServer, json_answer

Open = Callable[..., AppTest]
ENDED = run_json("cancelled", ended_at="2026-01-02T03:05:06+00:00")


def button(at: AppTest) -> Any:
    """Return the button that retrains, None without one."""
    return next((one for one in at.button if one.key == "retrain_here"), None)


def row(number: int, **more: Any) -> dict[str, Any]:
    """Return a correction in the trainer's JSON; higher numbers are newer."""
    return {
        "id": number,
        "content_hash": f"hash{number}",
        "label": "Bag",
        "predicted": "Shirt",
        "model": None,
        "source": "pad",
        "created_at": f"2026-01-0{number}T00:00:00+00:00",
        "state": "new",
        "reason": None,
        "held_out": False,
        "png": "",
        **more,
    }


@pytest.fixture
def bar(scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open the bar with this latest run, corrections, and what the live version has learned."""

    def open_bar(
        run: dict[str, Any] = ENDED,
        rows: tuple[dict[str, Any], ...] = (),
        learned: tuple[str, ...] = (),
        seconds: float | None = None,
        own: dict[str, int] | None = None,
        **counts: int,
    ) -> AppTest:
        metadata = {"corrections_used": list(learned)}
        script_services(
            scripted,
            monkeypatch,
            run,
            {**READY, "metadata": metadata},
            classes=trainer_json.classes(own),
            recipes={"recipes": [*RECIPES, {**FINETUNE, "estimated_seconds": seconds}]},
            corrections={**trainer_json.corrections(**counts), "corrections": rows},
        )
        return open_page()

    return open_bar


def test_without_corrections_there_is_no_bar(bar: Open) -> None:
    at = bar(quarantined=2)
    assert button(at) is None
    assert "ready**" not in page_text(at)


@pytest.mark.parametrize(
    ("count", "line"), [(1, "**1 correction ready**"), (12, "**12 corrections ready**")]
)
def test_corrections_are_counted_and_one_click_starts_the_finetuning(
    bar: Open, scripted: ScriptedServer, count: int, line: str
) -> None:
    at = bar(new=count, seconds=12.4)
    assert line in page_text(at)
    assert at.button(key="retrain_here").label == "Retrain (about 12 s)"
    running = run_json("running", run_id="r2")
    answer_also(scripted, r2=running)
    at.button(key="retrain_here").click().run()
    assert not at.exception
    assert posted(scripted) == [("/runs", {"recipe": "finetune"})]
    assert at.get("progress")[0].proto.text.startswith("Training · epoch 1 of 5")
    assert "Another run" not in page_text(at)


def test_what_the_live_version_has_learned_is_not_ready(bar: Open) -> None:
    rows = (
        row(6),
        row(5, held_out=True),
        row(4, label="Coat"),  # learned as a bag, and relabelled since
        row(3, state="conflict"),
        row(2),
        row(1, held_out=True),
    )
    at = bar(rows=rows, learned=("hash2:Bag", "hash4:Bag"), new=5, conflict=1)
    assert "**3 corrections ready**" in page_text(at)


@pytest.mark.parametrize("learned", [(), ("hash2:Bag",)])
def test_what_still_lacks_pictures_is_not_ready(bar: Open, learned: tuple[str, ...]) -> None:
    rows = (row(7, label="Hat"), *(row(number, label="Cup") for number in (6, 5, 4)), row(2))
    own = {"Cup": 3, "Hat": 10}
    at = bar(rows=rows, learned=learned, own=own, new=5)
    # Of a bag, a hat of ten and a cup of three, the bag may be learned already.
    assert ("**1 correction ready**" if learned else "**2 corrections ready**") in page_text(at)


def test_once_all_are_learned_there_is_no_bar(bar: Open) -> None:
    at = bar(rows=(row(2), row(1, held_out=True)), learned=("hash2:Bag",), new=2)
    assert button(at) is None


def test_the_run_of_another_window_is_followed_and_told_apart(bar: Open) -> None:
    at = bar(run_json("running"), new=3)
    assert "Another run is in progress." in page_text(at)
    assert at.get("progress")[0].proto.text.startswith("Training")
    assert button(at) is None


def test_a_background_run_does_not_hide_the_button(bar: Open) -> None:
    at = bar(run_json("running", background=True), new=3)
    assert button(at) is not None


@pytest.mark.parametrize(
    ("run", "line"),
    [
        (
            finished(trainer_json.gate(promoted=True), run_id="r2"),
            "**x2** is live. Test corrections: 2 of 5 right before, 5 of 5 now.",
        ),
        (
            finished(trainer_json.gate(promoted=False), run_id="r2"),
            f"**x2** was not promoted. {trainer_json.WORSE}",
        ),
        (run_json("failed", run_id="r2", error="The disk is full."), "The run failed."),
    ],
)
def test_the_outcome_stays_until_something_is_corrected(
    bar: Open, scripted: ScriptedServer, run: dict[str, Any], line: str
) -> None:
    at = bar(new=3)
    answer_also(scripted, r2=run)
    at.button(key="retrain_here").click().run()
    assert line in page_text(at)
    assert "See what changed" in links(at)
    assert line in page_text(at.run())
    answer_also(scripted, corrections=trainer_json.corrections(new=4))
    at.run()
    assert "**4 corrections ready**" in page_text(at)


def test_a_refused_start_says_why(bar: Open, scripted: ScriptedServer) -> None:
    at = bar(new=3)
    others, full = scripted.answer, json_answer({"error": "The disk is full."}, 409)
    scripted.answer = lambda request: full if request[0] == "POST" else others(request)
    at.button(key="retrain_here").click().run()
    assert [toast.value for toast in at.toast] == ["The disk is full\\."]
