"""Points whose coordinates are hard for single precision, and what scikit-learn says of them in double.

Usage: neighbors.py OUT_FOLDER
"""

import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness
from sklearn.neighbors import NearestNeighbors

COUNT, WIDTH, CLASSES, NEAR = 1200, 6, 3, 7

out = Path(sys.argv[1])
random = np.random.default_rng(5)
classes = np.arange(COUNT) % CLASSES
plain = 4 * random.normal(size=(CLASSES, WIDTH))[classes] + random.normal(size=(COUNT, WIDTH))
half = (np.arange(COUNT) // CLASSES % 2)[:, None]
sets = {
    "plain": plain,
    "offset": plain + 10_000,
    "groups": plain + 20_000 * half - 10_000,
    "one far": np.vstack([plain[:-1], np.full((1, WIDTH), 1e6)]),
    "scales": plain * np.array([1, 1e-3, 1e3, 1, 1e-6, 1]),
    "small": plain * 1e-25,
    "large": plain * 1e25,
    "doubles": np.vstack([plain[:300]] * 4),
}
saved = {"classes": classes}
for name, points in sets.items():
    # What single precision keeps of them, so that both kinds have the same neighbors.
    points = points.astype(np.float32).astype(np.float64)
    scaled = points / np.abs(points).max() if name in ("small", "large") else points
    near = NearestNeighbors(n_neighbors=NEAR, algorithm="kd_tree").fit(scaled)
    near = near.kneighbors(return_distance=False)
    votes = np.apply_along_axis(np.bincount, 1, classes[near], minlength=CLASSES)
    map_of = random.normal(size=(COUNT, 2)) + scaled[:, :2] / scaled[:, :2].std()
    pca = PCA(3, svd_solver="full").fit(scaled)
    saved |= {
        f"{name}.points": points,
        f"{name}.accuracy": np.array([(votes.argmax(1) == classes).mean()]),
        f"{name}.map": map_of,
        f"{name}.trustworthiness": np.array(
            [trustworthiness(cdist(scaled, scaled), map_of, n_neighbors=5, metric="precomputed")]
        ),
        f"{name}.ratio": pca.explained_variance_ratio_,
        f"{name}.components": pca.components_,
        f"{name}.places": pca.transform(scaled) / scaled.std(),
    }

tensors = {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in saved.items()}
save_file(tensors, out / "expected.safetensors")
