"""scikit-learn's digits, its PCA of them, and what its own measures say of a map.

Usage: embed.py OUT_FOLDER
"""

import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness
from sklearn.manifold._t_sne import _joint_probabilities, _kl_divergence
from sklearn.metrics import pairwise_distances

out = Path(sys.argv[1])
images, classes = load_digits(return_X_y=True)
saved = {"digits": images, "classes": classes}

pca = PCA(8, svd_solver="full").fit(images)
saved["pca.components"] = pca.components_
saved["pca.points"] = pca.transform(images)
saved["pca.variance"] = pca.explained_variance_
saved["pca.ratio"] = pca.explained_variance_ratio_
wide = images[:40]
pca = PCA(8, svd_solver="full").fit(wide)
saved["wide.components"] = pca.components_
saved["wide.points"] = pca.transform(images[40:60])

# The divergence of a map and its trustworthiness, by scikit-learn's own functions.
random = np.random.default_rng(1)
features = images[:300] + 0.1 * random.normal(size=(300, 64))  # no two distances alike
joint = _joint_probabilities(pairwise_distances(features, squared=True).astype(np.float32), 20.0, 0)
points = random.normal(size=(300, 2)) * 6
divergence, _ = _kl_divergence(points.ravel(), joint, 1.0, 300, 2)
saved["some.features"] = features
saved["some.map"] = points
saved["some.divergence"] = np.array([divergence])
saved["some.trustworthiness"] = np.array([trustworthiness(features, points, n_neighbors=5)])
saved["some.joint"] = joint

tensors = {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in saved.items()}
save_file(tensors, out / "expected.safetensors")
