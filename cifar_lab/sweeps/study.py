"""The trials of a search in Optuna's storage: asked for, and told how they ended.

The only file that imports Optuna, which is an extra, and takes a second to import.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cifar_lab.config.search_space import Dimension, Numbers
from cifar_lab.refusal import Refusal
from cifar_lab.results.search import Importances, SearchOptions
from cifar_lab.results.trials import Trial
from cifar_lab.run.sweep_folder import SweepFolder
from cifar_lab.wording import first_sentence

if TYPE_CHECKING:
    import optuna

#: So many trials are chosen by chance before a sampler learns from results.
STARTUP = 10
#: Fewer completed trials say little about which key matters.
LEAST_FOR_IMPORTANCES = 8


def library() -> str:
    """Name Optuna with its version.

    Raises:
        Refusal: it is not installed.
    """
    return f"optuna {_optuna().__version__}"


class Study:
    """The study of a search. Of its methods, only :meth:`ask` adds trials.

    Every trial has a random state of its own, so that an interrupted search goes on exactly as it
    would have without the interruption, as long as its jobs run one after another.

    Args:
        name: of the study in its storage, which is created if it does not exist.
        folder: of the search.
        options: of the search.
        space: what a trial may choose.
        maximize: whether a higher objective is better.

    Raises:
        Refusal: Optuna is not installed, or its storage could not be opened.
    """

    def __init__(
        self,
        name: str,
        folder: SweepFolder,
        options: SearchOptions,
        space: Sequence[Dimension],
        maximize: bool,
    ) -> None:
        self._optuna, self._options, self._space = _optuna(), options, space
        self._study = self._optuna.create_study(
            storage=opened(options.storage or f"sqlite:///{folder.study}"),
            study_name=name,
            direction="maximize" if maximize else "minimize",
            sampler=self._optuna.samplers.RandomSampler(),
            pruner=self._optuna.pruners.NopPruner(),  # the jobs prune themselves
            load_if_exists=True,
        )

    @property
    def open(self) -> list[int]:
        """Numbers of the trials that have not been told how they ended."""
        return [each.number for each in self._trials() if not each.state.is_finished()]

    @property
    def learned(self) -> int:
        """How many trials the sampler has learned from."""
        states = self._optuna.trial.TrialState
        return sum(each.state in (states.COMPLETE, states.PRUNED) for each in self._trials())

    def ask(self, number: int) -> dict[str, str]:
        """Return the text of each value that a trial chooses, by key.

        Args:
            number: of the trial: that of one that exists, or the next one.
        """
        self._study.sampler = self._sampler(number)
        trials = self._trials()
        trial = (
            self._optuna.trial.Trial(self._study, trials[number]._trial_id)
            if number < len(trials)
            else self._study.ask()
        )
        chosen = {each.key: self._suggested(trial, each) for each in self._space}
        return {each.key: each.text(chosen[each.key]) for each in self._space}

    def restore(self, chosen: Sequence[Mapping[str, str]]) -> None:
        """Add trials that the storage has lost, as running ones.

        Args:
            chosen: the text of what each trial of the search chose, by key.
        """
        states = self._optuna.trial.TrialState
        spaces = {each.key: _distribution(self._optuna, each) for each in self._space}
        for values in chosen[len(self._trials()) :]:
            trial = self._optuna.trial.create_trial(
                state=states.RUNNING,
                params={each.key: each.value(values[each.key]) for each in self._space},
                distributions=spaces,
            )
            self._study.add_trial(trial)

    def tell(self, trial: Trial, reached: Sequence[float]) -> None:
        """Record how a trial ended.

        Args:
            trial: that is done, pruned or failed.
            reached: what its objective would have been after each epoch.
        """
        states = self._optuna.trial.TrialState
        self._study.sampler = self._optuna.samplers.RandomSampler()  # nothing is asked here
        found = self._optuna.trial.Trial(self._study, self._trials()[trial.number]._trial_id)
        for epoch, value in enumerate(reached, start=1):
            found.report(value, epoch)
        if trial.state == "done":
            self._study.tell(trial.number, trial.value)
        elif trial.state == "pruned":
            self._study.tell(trial.number, state=states.PRUNED)
        else:
            self._study.tell(trial.number, state=states.FAIL)

    def importances(self) -> Importances | None:
        """Return how much each key matters, by PED-ANOVA; None with too few trials.

        Source: S. Watanabe et al., PED-ANOVA (IJCAI 2023), as Optuna computes it.
        """
        states = self._optuna.trial.TrialState
        done = self._study.get_trials(deepcopy=False, states=(states.COMPLETE,))
        if len(done) < LEAST_FOR_IMPORTANCES or len({each.value for each in done}) < 2:
            return None
        method = self._optuna.importance.PedAnovaImportanceEvaluator()
        found = self._optuna.importance.get_param_importances(self._study, evaluator=method)
        return Importances("PED-ANOVA", len(done), {key: float(v) for key, v in found.items()})

    def _trials(self) -> list[optuna.trial.FrozenTrial]:
        return self._study.get_trials(deepcopy=False)

    def _suggested(self, trial: optuna.Trial, dimension: Dimension) -> Any:
        """The value that a trial has for a key, which it chooses if it has none yet."""
        key = dimension.key
        if not isinstance(dimension, Numbers):
            return trial.suggest_categorical(key, dimension.corners)
        low, high, step, log = dimension.low, dimension.high, dimension.step, dimension.log
        if dimension.whole:
            return trial.suggest_int(key, int(low), int(high), step=int(step or 1), log=log)
        return trial.suggest_float(key, low, high, step=step, log=log)

    def _sampler(self, number: int) -> optuna.samplers.BaseSampler:
        seed = random.Random(f"{self._options.seed} {number}").getrandbits(32)
        samplers = self._optuna.samplers
        if self._options.sampler == "random":
            return samplers.RandomSampler(seed=seed)
        if self._options.sampler == "gp":
            return samplers.GPSampler(seed=seed, n_startup_trials=STARTUP)
        # Multivariate, and with a constant liar for trials that run at the same time.
        return samplers.TPESampler(seed=seed, n_startup_trials=STARTUP)


def opened(url: str) -> Any:
    """Open a storage for Optuna.

    Raises:
        Refusal: Optuna is not installed, or the storage could not be opened.
    """
    try:
        return _optuna().storages.RDBStorage(url)
    except Refusal:
        raise
    except Exception as error:  # of whatever database it is
        raise Refusal(
            f"the storage {url} of the search could not be opened: {first_sentence(error)}; leave "
            "out hydra.sweeper.storage for a file in the sweep's folder"
        ) from error


def _distribution(optuna: Any, dimension: Dimension) -> Any:
    """What a dimension is called in Optuna."""
    if not isinstance(dimension, Numbers):
        return optuna.distributions.CategoricalDistribution(dimension.corners)
    low, high, step, log = dimension.low, dimension.high, dimension.step, dimension.log
    if dimension.whole:
        return optuna.distributions.IntDistribution(low, high, log=log, step=step or 1)
    return optuna.distributions.FloatDistribution(low, high, log=log, step=step)


def _optuna() -> Any:
    """Import Optuna, which then logs warnings only.

    Raises:
        Refusal: it is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise Refusal(
            "hydra/sweeper=search needs Optuna, which is not installed: "
            "pip install 'cifar-lab[search]'"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
