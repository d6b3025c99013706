"""One-shot learning with Siamese networks, on any Keras 3 backend: the package behind the book.

Importing it changes nothing on its host. What the chapters want set, they set by calling
:func:`siamese_utils.chapters.set_up`.
"""
