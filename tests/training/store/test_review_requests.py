"""Review requests: pictures on which two versions disagree."""

from dataclasses import replace

import pytest

from tests.support.corrections_store import CLASSES, REVIEW_REASON, kept, picture, request, states
from training.store import corrections
from training.store.corrections import LabelSubmission

pytestmark = pytest.mark.usefixtures("empty_home")


def test_a_review_request_waits_for_a_person_and_no_run_uses_it() -> None:
    assert request(1) == 1
    [requested] = corrections.page(state="review_requested")
    assert (requested.label, requested.reason, requested.source) == ("Bag", REVIEW_REASON, "shadow")
    assert len(corrections.usable(CLASSES).ids) == 0
    assert corrections.quarantine({requested.id: "It looks wrong."}) == []


@pytest.mark.parametrize(("label", "state"), [("Shirt", "new"), ("Bag", "new")])
def test_labelling_a_review_request_makes_it_a_correction(label: str, state: str) -> None:
    request(1)
    [requested] = corrections.page()
    answered = corrections.relabel(requested.id, label)
    assert (answered.label, answered.state, answered.reason) == (label, state, None)
    assert corrections.usable(CLASSES).ids.tolist() == [requested.id]


def test_accepting_a_review_request_makes_it_a_correction() -> None:
    request(1)
    [requested] = corrections.page()
    assert corrections.accept(requested.id).state == "accepted"
    assert len(corrections.usable(CLASSES).ids) == 1


@pytest.mark.parametrize("label", ["Bag", "Shirt"])
def test_a_label_takes_the_place_of_the_review_request(label: str) -> None:
    request(1)
    correction, is_new = corrections.add(picture(1), LabelSubmission(label))
    assert is_new
    assert states() == {correction.id: "new"}


def test_no_review_is_requested_of_a_picture_that_has_a_label() -> None:
    first = kept(1, "Shirt")
    assert request(1) == 0
    assert states() == {first.id: "new"}
    assert request(2) == 1
    assert request(2, "Shirt") == 0


def test_a_review_request_contradicts_nothing() -> None:
    request(1)
    corrections.restore(
        [
            replace(
                kept(2),
                content_hash="other",
                picture=picture(3).tobytes(),
                state="review_requested",
            )
        ]
    )
    assert corrections.counts()["conflict"] == 0


def test_the_number_of_open_review_requests_is_limited() -> None:
    submission = LabelSubmission("Bag", source="shadow")
    many = [
        (picture(number), submission, REVIEW_REASON)
        for number in range(corrections.MAX_REVIEW_REQUESTS + 5)
    ]
    assert corrections.request_review(many) == corrections.MAX_REVIEW_REQUESTS
    assert request(9_999) == 0
    corrections.delete(corrections.page(limit=1)[0].id)
    assert request(9_999) == 1


def test_a_label_takes_the_place_of_a_request_in_the_same_archive() -> None:
    mine = kept(9)
    corrections.delete(mine.id)
    requested = replace(mine, id=0, state="review_requested")
    others = [replace(mine, id=number, content_hash=str(number)) for number in (0, 1, 2, 2)]
    others[-1] = replace(others[-1], label="Shirt")
    added, known = corrections.restore([requested, others[0], mine, *others[1:], requested])
    assert (added, known) == (6, 1)
    assert corrections.counts()["review_requested"] == 0
    ids = {(it.content_hash, it.label): it.id for it in corrections.page()}
    assert (ids[mine.content_hash, "Bag"], ids["2", "Bag"]) == (1, 2)
    assert len(set(ids.values())) == 5
