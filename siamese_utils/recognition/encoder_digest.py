"""Which encoder made a gallery: its name, and the refusal of another one."""

from pathlib import Path

import keras

from .._files import digest


def encoder_digest(encoder: keras.Model) -> str:
    """A short name for an encoder: its layers' settings and its weights.

    It is the same after saving and loading, on every backend, and whether or not the encoder
    is frozen. How the layers are connected is not taken into account.

    Parameters
    ----------
    encoder : keras.Model

    Returns
    -------
    str
        16 hexadecimal digits.

    Examples
    --------
    A copy has the same name, until one of its weights changes:

    >>> encoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    >>> copy = keras.models.clone_model(encoder)
    >>> copy.set_weights(encoder.get_weights())
    >>> len(encoder_digest(copy)), encoder_digest(copy) == encoder_digest(encoder)
    (16, True)
    >>> copy.set_weights([2 * weight + 1 for weight in encoder.get_weights()])
    >>> encoder_digest(copy) == encoder_digest(encoder)
    False
    """
    settings = [
        {key: value for key, value in layer.items() if key != "trainable"}
        for layer in _layers(encoder)
    ]
    return digest([settings, *encoder.get_weights()])[:16]


def weights_digest(encoder: keras.Model) -> str:
    """A short name for an encoder's weights alone, the same with every version of Keras."""
    return digest(encoder.get_weights())[:16]


def _layers(model: keras.Model) -> list[dict]:
    """The settings of all layers inside, without the names that Keras counts up by itself."""
    found = []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found += _layers(layer)
        else:
            found.append({k: v for k, v in layer.get_config().items() if k != "name"})
    return found


def digest_or_none(encoder: keras.Model | None) -> str | None:
    """:func:`encoder_digest`, or None for the encoder None."""
    return None if encoder is None else encoder_digest(encoder)


def require_encoder(path: Path, stored: str | None, given: str | None) -> None:
    """Refuse the gallery in the file ``path`` if another encoder made it.

    Parameters
    ----------
    path : Path
    stored, given : str or None
        Digests of the encoder that made it and of the one at hand.

    Raises
    ------
    ValueError
        If they differ.
    """
    if stored == given:
        return
    if stored is None:
        made = "of embeddings, without an encoder, and one is given"
    elif given is None:
        made = f"by an encoder ({stored}), and none is given"
    else:
        made = f"by another encoder ({stored}) than this one ({given}), or by this one before it "
        made += "was trained or adapted"
    remedy = (
        "Pass no encoder, and embeddings as queries"
        if stored is None
        else "Take the model that made it, or store all images again in a new gallery"
    )
    raise ValueError(f"{path} was made {made}. {remedy}.")
