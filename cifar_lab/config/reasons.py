"""Words the errors of Hydra, OmegaConf and YAML for the user."""

from __future__ import annotations

import re

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from cifar_lab.refusal import Refusal
from cifar_lab.run.yaml_text import yaml_problem
from cifar_lab.wording import first_sentence, shortened

#: What composing raises for invalid input.
CANNOT_COMPOSE = (HydraException, OmegaConfBaseException, YAMLError, ValueError, RecursionError)

#: Sentences of the libraries, as patterns, and ours.
SENTENCES = {
    r"Could not append to config\. An item is already at '(.+)'\.": (
        r"\1 exists already; leave out the +"
    ),
    r"Could not delete from config\. The value of '(.+)' is (.*) and not (.*)\.": (
        r"removes \1 only if it is \3, but it is \2"
    ),
    r"Could not delete from config\. '(.+)' does not exist\.": r"there is no key '\1'",
    r"Could not override '(.+)'\.": r"there is no key '\1' to change",
    r"In '(.+)': Could not find '(.+)/(.+)'": (
        r"chooses \2=\3, but the group \2 has no option '\3'"
    ),
    r"In '(.+)': Could not override '(.+)'.*": (
        r"overrides the choice of the group \2, which nothing has chosen before"
    ),
    r"Multiple values for (.+)\. To override a value use 'override (.+): (.+)'": (
        r"\1 has a choice already; write \2=\3, or in a YAML file: override /\2: \3"
    ),
    r"Interpolation key '(.+)' not found": r"there is no key '\1' to take the value from",
    r"KeyError raised while resolving interpolation: \"Environment variable '(.+)' not found\"": (
        r"the environment variable \1 is not set; set it, or give a default: ${oc.env:\1,DEFAULT}"
    ),
    r"Unsupported interpolation type (.+)": (
        r"there is no resolver '\1'; use ${KEY} or ${oc.env:VARIABLE}"
    ),
    r"Unsupported item value in defaults : (.+)\. Supported.*": (
        r"an option in defaults is a \1; quote it, e.g. model: 'no'"
    ),
    r"field '(.+)' is not Optional": r"\1 cannot be null; leave it out for the default",
    r"Cannot convert '(.+)' to string: .*": r"must be text, got a \1",
    r"Recursive interpolation detected.*": "the value refers to itself",
}


def reason(error: Exception) -> str:
    """Return why something could not be read or composed, in one sentence."""
    if isinstance(error, RecursionError):
        return "it leads back to itself (its defaults or its values), or is nested too deeply"
    if isinstance(error, Refusal):
        return "; ".join(error.problems)
    if isinstance(error, YAMLError):
        return yaml_problem(error)
    sentence = first_sentence(error)
    if sentence.startswith("Error merging override") and error.__cause__ is not None:
        sentence = first_sentence(error.__cause__)  # type: ignore[arg-type]
    for pattern, ours in SENTENCES.items():
        if re.fullmatch(pattern, sentence):
            return re.sub(pattern, ours, sentence)
    return shortened(sentence, 300)
