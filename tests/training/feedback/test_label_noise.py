"""The label-noise filter, on a really trained network."""

import pytest
import torch

from tests.support.corrections_store import add_drawings
from tests.support.silhouettes import KINDS
from training.data import fashion_mnist
from training.evaluation import predict
from training.feedback import label_noise, split
from training.store import classes, corrections, versions
from training.store.corrections import LabelSubmission

WRONG_SHARE = 0.05


@pytest.mark.usefixtures("own_store")
def test_wrong_labels_among_new_drawings_are_suspects(
    champion: versions.Model, dataset: fashion_mnist.FashionMNIST
) -> None:
    """The champion knows few of the drawings: that alone must not make them look wrong."""
    count = len(KINDS) * 20
    mislabelled = add_drawings(20, wrong=round(WRONG_SHARE * count))
    usable = corrections.usable(dataset.class_names)
    answers = predict(champion.network, torch.from_numpy(usable.images)).argmax(1)
    assert (answers.numpy() == usable.labels).mean() < 0.7
    reasons = label_noise.find_suspects(champion, dataset.train, usable, dataset.class_names)
    assert len(set(reasons) & mislabelled) >= len(mislabelled) / 2
    assert len(set(reasons) - mislabelled) <= 0.05 * (count - len(mislabelled))
    assert all(why.startswith("Similar pictures are labelled ") for why in reasons.values())


@pytest.mark.usefixtures("own_store")
def test_a_burst_of_one_class_that_looks_wrong_waits_as_a_whole(
    champion: versions.Model, dataset: fashion_mnist.FashionMNIST
) -> None:
    bags = dataset.train.images[dataset.train.labels == dataset.class_names.index("Bag")]
    for picture in bags[:15]:
        corrections.add(picture.numpy(), LabelSubmission("Trouser"))
    usable = corrections.usable(dataset.class_names)
    reasons = label_noise.find_suspects(champion, dataset.train, usable, dataset.class_names)
    assert set(reasons) == set(usable.ids.tolist())
    bursts = [why for why in reasons.values() if why.startswith("15 corrections with this")]
    assert len(bursts) >= 10


@pytest.mark.usefixtures("own_store")
def test_an_accepted_correction_is_never_quarantined(
    champion: versions.Model, dataset: fashion_mnist.FashionMNIST
) -> None:
    bags = dataset.train.images[dataset.train.labels == dataset.class_names.index("Bag")]
    typical = predict(champion.network, bags)[:, dataset.class_names.index("Bag")].argmax()
    correction, _ = corrections.add(bags[typical].numpy(), LabelSubmission("Trouser"))
    assert split.split_corrections(champion, dataset).quarantined == [correction.id]
    assert corrections.get(correction.id).state == corrections.QUARANTINED
    assert "Bag" in str(corrections.get(correction.id).reason)
    corrections.accept(correction.id)
    chosen = split.split_corrections(champion, dataset)
    assert chosen.quarantined == []
    assert len(chosen.sample_ids) + len(chosen.held_out.labels) == 1


@pytest.mark.usefixtures("own_store")
def test_a_class_that_the_champion_does_not_know_is_never_suspect(
    champion: versions.Model, dataset: fashion_mnist.FashionMNIST
) -> None:
    """Not even in a burst of pictures that the champion is sure of; and it counts as neighbour."""
    classes.create("Tote", "me")
    bags = dataset.train.images[dataset.train.labels == dataset.class_names.index("Bag")]
    for picture in bags[:30]:
        corrections.add(picture.numpy(), LabelSubmission("Tote"))
    wrong, _ = corrections.add(bags[30].numpy(), LabelSubmission("Trouser"))
    chosen = split.split_corrections(champion, dataset)
    assert chosen.quarantined == [wrong.id]
    assert "Similar pictures are labelled Tote" in str(corrections.get(wrong.id).reason)
    assert chosen.classes.learned == ("Tote",)


@pytest.mark.usefixtures("own_store")
def test_a_quarantined_correction_is_looked_at_anew_in_each_run(
    champion: versions.Model, dataset: fashion_mnist.FashionMNIST
) -> None:
    """As long as nothing supports it, it waits; once people teach more of its kind, it is used."""
    bags = dataset.train.images[dataset.train.labels == dataset.class_names.index("Bag")]
    certainty = predict(champion.network, bags)[:, dataset.class_names.index("Bag")]
    typical = bags[certainty.argsort(descending=True)[:9]].numpy()
    first, _ = corrections.add(typical[0], LabelSubmission("Trouser"))
    assert split.split_corrections(champion, dataset).quarantined == [first.id]

    second, _ = corrections.add(typical[1], LabelSubmission("Trouser"))
    for _ in range(2):  # the second looks wrong too, and they do not vouch for each other
        chosen = split.split_corrections(champion, dataset)
        assert chosen.summary()["quarantined_ids"] == [second.id, first.id]
        assert corrections.get(first.id).state == corrections.QUARANTINED

    for picture in typical[2:]:
        taught, _ = corrections.add(picture, LabelSubmission("Trouser"))
        corrections.accept(taught.id)
    chosen = split.split_corrections(champion, dataset)

    assert chosen.quarantined == []
    assert len(chosen.train.labels) + len(chosen.held_out.labels) == len(typical)
    freed = corrections.get(first.id)
    assert (freed.state, freed.reason) == (corrections.NEW, None)
