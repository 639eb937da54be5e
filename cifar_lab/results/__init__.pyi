from .ledger import record_runs as record_runs
from .ledger import render as render
from .recorded import grouped as grouped
from .recorded import read_results as read_results
from .studies import Study as Study
from .studies import mean_test_accuracy as mean_test_accuracy
from .studies import read_published as read_published
