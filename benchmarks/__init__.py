"""Side-by-side measurements of CIFAR Lab and of what people write without it.

``python -m benchmarks`` runs the cases of :mod:`benchmarks.cases`; peers need the extra
``cifar-lab[bench]``.
"""
