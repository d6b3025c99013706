"""One-shot classification over stored embeddings, as a scikit-learn estimator."""

from .classifier import OneShotClassifier
from .digest import encoder_digest

__all__ = ["OneShotClassifier", "encoder_digest"]
