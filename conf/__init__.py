"""The Hydra groups; installed as ``cifar_lab.conf``. Contains YAML only."""
