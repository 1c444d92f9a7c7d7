"""Weights: where they lie, whether they are whole and safe, how they are fetched; nothing here runs a model.

    locate, require    the folder of a part, checked; or the one line that says how to get it      (store)
    check_folder       no pickle, no foreign code, no damaged tensor file reaches a loader         (safety)
    plan_download      what a preset still needs, its size and licences; then ``download``         (fetch)
    doctor.examine     what runs on this machine
"""

from stillmotion.weights.store import find_repository, home, locate, offline_environment, require

__all__ = ["find_repository", "home", "locate", "offline_environment", "require"]
