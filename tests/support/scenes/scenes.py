"""The scenes: each page in each of its states, and what a visitor does to get there."""

from collections.abc import Callable
from dataclasses import dataclass, field

from playwright.sync_api import FilePayload, Page, expect

from tests.support.app import scripted_prometheus as recordings
from tests.support.app import trainer_json
from tests.support.app.described_version import described_version
from tests.support.app.pages import (
    FINETUNE,
    OWN_PICTURES,
    READY,
    RECIPES,
    epoch_json,
    finished,
    run_json,
)
from tests.support.browser import TROUSERS, answered, draw, open_choices
from tests.support.scenes.stage import World, garment, live


def _do_nothing(_page: Page) -> None:
    pass


@dataclass(frozen=True)
class Scene:
    """One state of a page. `act` is what the visitor does once the page is there.

    `is_stable`: it looks the same each time, so that a picture of it can be a reference.
    `besides` is a rule of axe that Streamlit's own elements break there.
    """

    name: str
    path: str
    world: World = field(default_factory=World)
    act: Callable[[Page], None] = _do_nothing
    is_stable: bool = True
    besides: str = "-"

    @property
    def has_act(self) -> bool:
        """Whether a browser is needed to get there."""
        return self.act is not _do_nothing


DROPZONE = "presentation-role-conflict"
"""Once there is a file, Streamlit's drop zone is one with a role and a name."""

PROMOTED, HELD_BACK = trainer_json.gate(promoted=True), trainer_json.gate(promoted=False)
AFTER_A_RUN = [
    trainer_json.version(
        "x2",
        "champion",
        PROMOTED,
        promotions=[trainer_json.promotion("gate", "x1")],
        corrections_used=["hash3:Coat", "hash2:Bag"],
    ),
    trainer_json.version("x1", "former", promotions=[trainer_json.promotion("gate", None)]),
]
WITH_A_CANDIDATE = [
    trainer_json.version("x2", "candidate", HELD_BACK),
    trainer_json.version("x1", "champion", promotions=[trainer_json.promotion("gate", None)]),
]
SHADOWED = {
    "version": "x2",
    "share": 0.25,
    "since": "2026-01-02T03:04:05.678+00:00",
    "workers": 2,
    "reason": None,
}
STORED = {
    **trainer_json.corrections(new=3, quarantined=1),
    "corrections": [
        {
            "id": number,
            "content_hash": f"hash{number}",
            "label": label,
            "predicted": "Shirt",
            "model": None,
            "source": "pad",
            "created_at": "2026-01-02T03:04:05+00:00",
            "state": state,
            "reason": "It looks like Shirt." if state == "quarantined" else None,
            "held_out": number == 2,
            "png": trainer_json.picture(label),
        }
        for number, label, state in (
            (4, "Bag", "quarantined"),
            (3, "Coat", "new"),
            (2, "Bag", "new"),
            (1, "Shirt", "new"),
        )
    ],
}
LEARNING = {
    "recipes": {"recipes": [*RECIPES, FINETUNE, OWN_PICTURES]},
    "corrections": STORED,
}
TRAINING = run_json("running", epochs=[epoch_json(number) for number in (1, 2, 3)])


def draw_trousers(page: Page) -> None:
    draw(page, TROUSERS)
    answered(page, 1)


def ask_why(page: Page) -> None:
    draw_trousers(page)
    page.locator(".st-key-pad_why button").click()
    expect(page.get_by_text("Similar pictures it learned from")).to_be_visible(timeout=15_000)


def say_that_it_is_wrong(page: Page) -> None:
    draw_trousers(page)
    open_choices(page.locator(".st-key-drawing_answer"))


def upload(count: int) -> Callable[[Page], None]:
    def act(page: Page) -> None:
        page.get_by_role("tab", name="Upload").click()
        files: list[FilePayload] = [
            {"name": f"{number}.png", "mimeType": "image/png", "buffer": garment(200 + number)}
            for number in range(count)
        ]
        page.locator("input[type=file]").first.set_input_files(files)
        what = page.get_by_text("Trouser").first
        expect(what).to_be_visible(timeout=15_000)

    return act


def open_details(page: Page) -> None:
    page.get_by_text("Details", exact=True).first.click()
    expect(page.get_by_role("tab", name="Compared").first).to_be_visible(timeout=15_000)


def open_promotion(page: Page) -> None:
    page.locator(".st-key-promote_x2 button").click()
    expect(page.get_by_role("dialog")).to_be_visible(timeout=15_000)


def send_a_burst(page: Page) -> None:
    page.locator(".st-key-metrics_send button").click()


SCENES = (
    Scene("classify", ""),
    Scene("classify-answer", "", act=draw_trousers, is_stable=False),
    Scene("classify-wrong", "", act=say_that_it_is_wrong, is_stable=False),
    Scene("classify-why", "", act=ask_why, is_stable=False),
    Scene("classify-unknown", "", World(known=False), act=draw_trousers, is_stable=False),
    Scene("upload-1", "", act=upload(1), is_stable=False, besides=DROPZONE),
    Scene("upload-8", "", act=upload(8), is_stable=False, besides=DROPZONE),
    Scene("corrections", "corrections", World(more=LEARNING)),
    Scene("corrections-empty", "corrections"),
    Scene("classes", "classes", World(more={"classes": trainer_json.classes({"Hat": 4})})),
    Scene("retrain", "retrain", World(more=LEARNING)),
    Scene("retrain-running", "retrain", World(run=TRAINING, more=LEARNING), is_stable=False),
    Scene(
        "retrain-promoted",
        "retrain",
        World(
            run=finished(PROMOTED, corrections={"used": 2, "held_out": 1, "quarantined": 1}),
            versions=AFTER_A_RUN,
            model=live("x2"),
            label="Bag",
            more={**LEARNING, "report": trainer_json.report(PROMOTED)},
        ),
    ),
    Scene(
        "retrain-held-back",
        "retrain",
        World(
            run=finished(HELD_BACK, corrections={"used": 2, "held_out": 1, "quarantined": 0}),
            versions=WITH_A_CANDIDATE,
            model=live("x1"),
            more={**LEARNING, "report": trainer_json.report(HELD_BACK)},
        ),
    ),
    Scene("models", "models", World(versions=AFTER_A_RUN, model=live("x2"))),
    Scene("models-candidate", "models", World(versions=WITH_A_CANDIDATE, model=live("x1"))),
    Scene(
        "models-compared",
        "models",
        World(versions=AFTER_A_RUN, model=live("x2")),
        act=open_details,
        is_stable=False,
    ),
    Scene(
        "models-promote",
        "models",
        World(versions=WITH_A_CANDIDATE, model=live("x1")),
        act=open_promotion,
        is_stable=False,
    ),
    Scene(
        "models-shadow",
        "models",
        World(
            versions=WITH_A_CANDIDATE,
            model=live("x1"),
            numbers=[
                *recordings.with_traffic(),
                *recordings.with_shadow(agreed=90, disagreed=10, dropped=1),
            ],
            more={"shadow": SHADOWED},
        ),
        is_stable=False,
    ),
    Scene("metrics-empty", "metrics", is_stable=False),
    Scene("metrics-traffic", "metrics", World(numbers=recordings.with_traffic()), is_stable=False),
    Scene(
        "metrics-burst",
        "metrics",
        World(numbers=recordings.with_traffic()),
        act=send_a_burst,
        is_stable=False,
    ),
    Scene(
        "metrics-alert",
        "metrics",
        World(numbers=recordings.with_traffic(), alerts=[recordings.alert("PredictionDrift")]),
        is_stable=False,
    ),
    Scene(
        "about",
        "about",
        World(
            versions=[described_version("abc")],
            more={"classes": trainer_json.classes({"Hat": 3})},
        ),
    ),
    Scene("no-model", "", World(model={**READY, "tag": None, "metadata": {}, "serving": {}})),
    *(
        Scene(
            f"{path or 'classify'}-{service}-down",
            path,
            World(down=frozenset({service})),
            is_stable=False,  # it tries again and again
        )
        for service, paths in (
            ("classifier", ("", "corrections", "retrain", "models", "metrics")),
            ("trainer", ("", "corrections", "classes", "retrain", "models")),
            ("prometheus", ("metrics",)),
        )
        for path in paths
    ),
)
