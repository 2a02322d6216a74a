"""Features of pictures, as the head of a network receives them."""

import pytest
import torch
from torch import nn

from training.data import fashion_mnist
from training.evaluation import extract_features, predict
from training.model import networks
from training.store import versions


def test_features_are_the_input_of_the_head_and_probabilities_its_output(
    champion: versions.Model, dataset: fashion_mnist.FashionMNIST
) -> None:
    images = dataset.validation.images[:300]
    head = champion.network.head
    assert isinstance(head, nn.Linear)
    features, probabilities = extract_features(champion.network, images)
    assert features.shape == (300, head.in_features)
    assert torch.allclose(features.norm(dim=1), torch.ones(300), atol=1e-5)
    assert torch.equal(probabilities, predict(champion.network, images))


@pytest.mark.parametrize("name", ["mlp", "cnn-small"])
def test_a_picture_has_one_row_of_features_however_often_it_is_passed(
    name: str, test_set: fashion_mnist.Split
) -> None:
    network, images = networks.build(name, 10), test_set.images[:7]
    features, probabilities = extract_features(network, images)
    alone = torch.cat([extract_features(network, image[None])[0] for image in images])
    assert len(features) == len(probabilities) == len(images)
    assert torch.allclose(features, alone, atol=1e-5)
    assert extract_features(network, images[:0])[0].shape == (0, features.shape[1])


def test_a_mirrored_network_takes_a_picture_and_its_mirror_image_for_alike(
    test_set: fashion_mnist.Split,
) -> None:
    network, images = networks.build("cnn-small", 10), test_set.images[:7]
    assert torch.allclose(
        extract_features(network, images)[0],
        extract_features(network, images.flip(2))[0],
        atol=1e-5,
    )
