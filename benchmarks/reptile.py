"""Reptile on Omniglot: the recorded trainings behind the comparison in chapter 08.

    python benchmarks/reptile.py

Reptile (Nichol, Achiam and Schulman 2018) learns no distance. It looks for weights from which a
few steps of gradient descent on one drawing of each of 20 new letters make a classifier of these
letters. Three seeds, trained on the 30 background alphabets, one alphabet a task; the rate and
the steps were chosen on validation alphabets (part "choice"). Measured on the first 2,000 of the
10,000 trials within the evaluation alphabets. Each training is an entry of
results/recorded/reptile.json.
"""

from pathlib import Path

from siamese_utils.chapters import set_up

set_up()  # before Keras is imported, which starts TensorFlow

import keras
import looks
import numpy as np
from entries import Entries, parts_asked_for, plain
from keras import layers

from siamese_utils import datasets, evaluation, sampling, training
