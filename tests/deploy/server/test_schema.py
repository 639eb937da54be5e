"""The schema is OpenAPI, as another library reads it."""

from __future__ import annotations

import pytest
from fastapi.openapi.models import OpenAPI, Operation

from cifar_lab.deploy.server.limits import Limits
from cifar_lab.deploy.server.schema import openapi
from tests.deploy.bundles import DESCRIBED

pytestmark = pytest.mark.extra("app")


def test_it_is_openapi():
    schema = openapi(DESCRIBED, Limits(queue=7, body_bytes=1000))
    read = OpenAPI.model_validate(schema)
    assert set(read.paths or {}) == {"/predict", "/health", "/model"}
    operations = [
        (method, Operation.model_validate(each))
        for methods in schema["paths"].values()
        for method, each in methods.items()
    ]
    assert [method for method, _ in operations] == ["post", "get", "get"]
    post = operations[0][1]
    kinds = {"image/*", "multipart/form-data", "application/json"}
    assert set(post.requestBody.content) == kinds  # type: ignore[union-attr]
    assert post.parameters[0].schema_.maximum == 3  # type: ignore[index,union-attr]
    assert "At most 7 images and 1,000 bytes" in (post.description or "")


def test_every_reference_is_found():
    schema = openapi(DESCRIBED, Limits())
    known = {f"#/components/schemas/{name}" for name in schema["components"]["schemas"]}

    def references(value):
        if isinstance(value, dict):
            yield from [value["$ref"]] if "$ref" in value else []
            for each in value.values():
                yield from references(each)
        elif isinstance(value, list):
            for each in value:
                yield from references(each)

    assert set(references(schema)) == known
