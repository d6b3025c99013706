"""The package behind the book: small modules, one job each, on any Keras 3 backend."""

import os

# Keras reads its backend once, at import: this line has to run before that.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
# TensorFlow's start-up notes on stderr are not for readers of a page.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
