from .classifier import Classifier as Classifier
from .classifier import Maps as Maps
from .opening import open_bundle as open_bundle
from .usage import Usage as Usage
