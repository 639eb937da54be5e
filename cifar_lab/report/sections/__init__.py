"""The sections of a report, each made from a reading of the run."""
