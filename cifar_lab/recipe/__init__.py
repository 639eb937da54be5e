"""What each verb does, as plain functions on plain data.

``launch`` checks, starts, sweeps, resumes and reruns; ``open`` restores a run's network or its
whole experiment; the other modules are named after the verbs that they carry out.
"""
