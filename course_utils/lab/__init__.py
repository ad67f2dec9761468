"""The training lab: runs with their settings, started, raced, cloned, kept and compared.

    lab = Lab("sentiment", "mini-encoder")
    run = lab.run(Settings(learning_rate=1e-3, labels=64))
    lab.compare()

`widgets.TrainingLab(lab)` is the same with knobs.
"""

from .laboratory import Lab, summary
from .runs import Expected, Run
from .settings import PRESETS, ROWS, Settings, differences
from .symptoms import SYMPTOMS, symptom

__all__ = ["PRESETS", "ROWS", "SYMPTOMS", "Expected", "Lab", "Run", "Settings", "differences", "summary", "symptom"]
