"""Sharing the processor with whatever else runs."""

import os


def share_cores() -> None:
    """Let threads that wait for each other sleep, unless the environment says otherwise.

    OpenMP's threads spin by default. Beside any other busy process they then burn the time that the slower one of
    them needs: on two cores, one of them busy, training took 3 to 6 times as long (docs/log/). The results are
    the same. It is read when torch and LightGBM are first loaded, so call it before.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
