"""Activations of all layers: torchlens, and torchvision's extractor by torch.fx.

Without in-place ReLUs: the extractor would give what they left of their inputs.
"""

import copy

import shared
import torch
from torchvision.models.feature_extraction import create_feature_extractor, get_graph_node_names


@shared.once
def model():
    changed = copy.deepcopy(shared.model)
    for module in changed.modules():
        if hasattr(module, "inplace"):
            module.inplace = False
    return changed


@shared.once
def extracting():
    names = get_graph_node_names(model())[1]
    extract = create_feature_extractor(model(), names)
    return torch.no_grad()(lambda: extract(shared.sample))


def extractor():
    return extracting()


def some(*layers):
    """The activations of these, one after the other."""
    return lambda: torch.cat([extracting()()[layer].flatten() for layer in layers])


def torchlens():
    import torchlens

    return torch.no_grad()(lambda: torchlens.trace(model(), shared.sample))
