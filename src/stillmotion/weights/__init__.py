"""Weights: where they lie, whether they are whole and safe, how they are fetched. Nothing here runs a model.

    locate, require            the folder of a part, checked; or the one line that says how to get it      (store)
    check_folder, check_file   no pickle, no foreign code, no damaged tensor file reaches a loader         (safety)
    offline_environment        called before a loader: no network, no telemetry, no remote code            (store)

``fetch`` plans and runs downloads; ``doctor`` examines the machine; ``manifest`` lists our own files with their sha256.
"""

from stillmotion.weights.safety import check_file, check_folder
from stillmotion.weights.store import find_repository, home, locate, offline_environment, require

__all__ = [
    "check_file",
    "check_folder",
    "find_repository",
    "home",
    "locate",
    "offline_environment",
    "require",
]
