"""Pixels or embeddings in; scores, ages, masks out. Usable in a notebook, without video."""

from .outputs import ModelIdentity, PlaneScores
from .planes import BACKGROUND, GROUPS, Plane

__all__ = ["BACKGROUND", "GROUPS", "ModelIdentity", "Plane", "PlaneScores"]
