"""Six segments by a peer: `peer_segments.py segmtree|pycaret INPUTS.npy LABELS.npy` prints its seconds as JSON."""

from __future__ import annotations

import json
import sys
from time import perf_counter

import numpy as np


def segmtree(x: np.ndarray) -> np.ndarray:
    """An unsupervised clustering tree with rules."""
    from segmtree import SegTree

    return np.asarray(SegTree(max_leaf_nodes=6, random_state=1).fit_predict(x))


def pycaret(x: np.ndarray) -> np.ndarray:
    """k-means on z-scores, as its documentation shows."""
    import pandas as pd
    from pycaret.clustering import assign_model, create_model, setup

    setup(pd.DataFrame(x).add_prefix("x"), normalize=True, session_id=1, verbose=False)
    found = assign_model(create_model("kmeans", num_clusters=6, verbose=False), verbose=False)
    return found["Cluster"].astype(str).str.extract(r"(\d+)")[0].astype(int).to_numpy()


if __name__ == "__main__":
    began = perf_counter()
    labels = {"segmtree": segmtree, "pycaret": pycaret}[sys.argv[1]](np.load(sys.argv[2]))
    np.save(sys.argv[3], np.unique(labels, return_inverse=True)[1], allow_pickle=False)
    print(json.dumps({"seconds": perf_counter() - began}))
