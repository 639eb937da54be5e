"""The app: a page in a browser, where a trained network classifies and explains images."""

import os

# Before Gradio is imported: it would send statistics of its use, look up its newest version, and
# summarise all questions so far after each one, for a page of its own.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = str(10**12)
os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "1"
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
