"""t-SNE by openTSNE and scikit-learn."""

import numpy
import shared
import torch
from safetensors.torch import load_file, save_file


def digits():
    from sklearn.datasets import load_digits

    values = torch.from_numpy(load_digits().data.astype("float32"))
    save_file({"features": values}, shared.folder / "digits.safetensors")
    return "saved"


def tsne(package):
    """A map of the features left here, from the same start, with as many iterations; it stays here."""
    arrays = load_file(shared.folder / "features.safetensors")
    features, start = arrays["features"].numpy(), arrays["start"].numpy()
    iterations = 750
    if package == "openTSNE":
        import openTSNE

        method = openTSNE.TSNE(
            n_iter=iterations - 250, initialization=start.astype(float), n_jobs=shared.threads,
            negative_gradient_method="fft",
        ).fit  # fmt: skip
    else:
        from sklearn.manifold import TSNE

        method = TSNE(max_iter=iterations, init=start, n_jobs=shared.threads).fit_transform

    def run():
        points = torch.from_numpy(numpy.array(method(features), dtype="float32"))
        save_file({"points": points}, shared.folder / "map.safetensors")

    return run
