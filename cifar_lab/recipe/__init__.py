"""What each verb does, as a table of contents."""

from cifar_lab.recipe.explain import explain, measure_trust
from cifar_lab.recipe.find_lr import find_lr
from cifar_lab.recipe.processes import follow
from cifar_lab.recipe.read import draw_report, evaluate
from cifar_lab.recipe.train import refuse_unresumable, remember_latest, run_experiment

__all__ = [
    "draw_report",
    "evaluate",
    "explain",
    "find_lr",
    "follow",
    "measure_trust",
    "refuse_unresumable",
    "remember_latest",
    "run_experiment",
]
