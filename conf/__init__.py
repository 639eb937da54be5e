"""The Hydra groups; installed as ``cifar_lab.conf``. Holds YAML only."""
