"""Composes and checks further jobs of a sweep, one by one."""

from __future__ import annotations

from cifar_lab import assembly
from cifar_lab.config.compose import Composer
from cifar_lab.config.excluded import Excluded
from cifar_lab.config.many import ManyPreflights
from cifar_lab.results.plan import Frozen, Job, Plan
from cifar_lab.results.recorded import experiment_hash
from cifar_lab.sweeps.naming import job_names
from cifar_lab.sweeps.planning import Draft, composed_jobs


class Further:
    """Composes further jobs of a sweep; what they share is composed and built once.

    Args:
        composer: composes the configurations.
        plan: of the sweep; the keys that vary do not change any more.
    """

    def __init__(self, composer: Composer, plan: Plan) -> None:
        self._many, self._none = ManyPreflights(composer, plan.keys), Excluded((), composer)
        self._tried = assembly.Tried()

    def __call__(self, plan: Plan, draft: Draft) -> tuple[Job, Frozen]:
        """Return a job to add at the end of a plan.

        Args:
            plan: as it is now.
            draft: of the job; it states whether the test images are evaluated.

        Raises:
            Refusal: with the problems of the job.
        """
        composed = composed_jobs(self._many, [draft], self._none, self._tried)
        (config,), (frozen,) = composed.jobs, composed.frozen
        (name,) = job_names([draft.values], [job.name for job in plan.jobs])
        job = Job(
            number=len(plan.jobs),
            name=name,
            overrides=draft.overrides,
            values=draft.values,
            seed=int(config["seed"]),
            configuration=experiment_hash(config),
            seconds=None,
        )
        return job, frozen
