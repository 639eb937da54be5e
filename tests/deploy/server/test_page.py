"""The page of documentation shows what the schema says, and what others wrote as text."""

from __future__ import annotations

import dataclasses
import html
import re
import shlex

from cifar_lab.deploy.server.limits import Limits
from cifar_lab.deploy.server.page import page
from cifar_lab.deploy.server.schema import openapi
from tests.deploy.bundles import DESCRIBED

AT = "http://127.0.0.1:8000"


def test_it_names_every_path_parameter_and_answer():
    schema = openapi(DESCRIBED, Limits())
    text = page(schema, AT)
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            assert f"<code>{method.upper()} {path}</code>" in text
            for status, answer in operation["responses"].items():
                assert f"<td>{status}</td><td>{html.escape(answer['description'])}</td>" in text
    assert "<code>top</code>" in text


def test_its_examples_are_commands():
    blocks = re.findall(r"<pre>(.*?)</pre>", page(openapi(DESCRIBED, Limits()), AT), re.DOTALL)
    commands = [line for block in blocks for line in html.unescape(block).splitlines()]
    assert len(commands) == 5
    for command in commands:
        words = shlex.split(command)
        assert words[0] == "curl"
        assert words[-1].startswith(AT + "/")


def test_what_others_wrote_is_text():
    usage = dataclasses.replace(DESCRIBED.usage, class_names=("<script>alert(1)</script>", "b"))
    hostile = dataclasses.replace(DESCRIBED, name="<b>name</b>", usage=usage)
    text = page(openapi(hostile, Limits()), AT)
    assert "<script" not in text
    assert "<b>" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
