"""Visitors do not keep the server from ending."""

from __future__ import annotations

import time

import httpx
import pytest

from tests.deploy.app.networks import answers_of, bundle, served

pytestmark = pytest.mark.extra("app")


def test_a_visitor_who_stays_does_not_keep_it_from_ending(tmp_path):
    answers = answers_of(bundle(tmp_path / "bundle"))
    with served(answers) as address:
        client = httpx.Client()
        stream = client.stream("GET", f"{address}/gradio_api/heartbeat/abc")
        lines = stream.__enter__().iter_lines()
        next(lines)
        began = time.monotonic()
    assert time.monotonic() - began < 15
    stream.__exit__(None, None, None)
    client.close()
