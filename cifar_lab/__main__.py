"""``python -m cifar_lab VERB …`` is the same as ``cifar-lab VERB …``."""

from cifar_lab.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
