import subprocess
import sys

import torch

from recsys.cpu_threads import cpu_threads


def test_the_innermost_block_counts_and_afterwards_all_is_as_before() -> None:
    before = torch.get_num_threads()
    with cpu_threads(1):
        assert torch.get_num_threads() == 1
        with cpu_threads(2):
            assert torch.get_num_threads() == 2
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


def test_torch_loaded_inside_is_limited_there_and_no_longer() -> None:
    program = """
from recsys.cpu_threads import cpu_threads, limit_torch

with cpu_threads(1):
    with cpu_threads(3):
        import torch

        usual = torch.get_num_threads()
        limit_torch()
        print(torch.get_num_threads())
    print(torch.get_num_threads())
print(torch.get_num_threads() == usual)
"""
    reported = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert reported.stdout.split() == ["3", "1", "True"]
