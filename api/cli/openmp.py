"""OpenMP settings, so that Attune shares the processor with other processes."""

import os


def share_cores() -> None:
    """Let waiting OpenMP threads sleep, unless the environment sets another policy.

    OpenMP threads spin by default. Next to another busy process they use the time that slower threads need: on two
    cores, one of them busy, training took 3 to 6 times as long (docs/log/). Results do not change. torch and
    LightGBM read the setting when they are first loaded, so call this before.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
