"""The interface in OpenAPI 3.1, which also is what the page of documentation shows."""

from __future__ import annotations

from typing import Any

from cifar_lab import __version__
from cifar_lab.deploy.description import Description
from cifar_lab.deploy.server.limits import Limits

Schema = dict[str, Any]


def openapi(description: Description, limits: Limits) -> Schema:
    """Describe every path, as it is for one network and its limits."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{description.name}: classifies images",
            "version": __version__,
            "description": f"Classes: {', '.join(description.usage.class_names)}.",
        },
        "paths": {
            "/predict": {"post": _predict(description, limits)},
            "/health": {"get": _health()},
            "/model": {
                "get": {
                    "summary": "Name, classes, preprocessing and results of the network",
                    "responses": {"200": _json("What is known about the network", {})},
                }
            },
        },
        "components": {"schemas": _schemas()},
    }


def _predict(description: Description, limits: Limits) -> Schema:
    classes = len(description.usage.class_names)
    images = limits.images(description.usage.image_size)
    return {
        "summary": "Classify one image or several",
        "description": (
            "Images may have any size and mode; they are turned upright, converted to RGB and "
            f"resized. At most {images} images and {limits.body_bytes:,} bytes in a request."
        ),
        "parameters": [
            {
                "name": "top",
                "in": "query",
                "description": "how many classes to list, the most probable first",
                "schema": {"type": "integer", "minimum": 1, "maximum": classes},
            }
        ],
        "requestBody": {"required": True, "content": _bodies()},
        "responses": {
            "200": _json("A prediction for each image, in order", _ref("Predictions")),
            "400": _error("Malformed JSON, base64, form or query"),
            "408": _error(f"The body did not arrive within {limits.body_seconds:g} s"),
            "413": _error("The body is too large, or has too many images"),
            "415": _error("The Content-Type is not one of these"),
            "422": _error("Not an image, animated, or too large to decode"),
            "500": _error("The network failed"),
            "503": {
                **_error("The queue or the memory is full, or the server is shutting down"),
                **_retry(),
            },
        },
    }


def _bodies() -> Schema:
    encoded = {"type": "string", "contentEncoding": "base64"}
    colour = {"type": "integer", "minimum": 0, "maximum": 255}
    pixel = {"type": "array", "items": colour, "minItems": 3, "maxItems": 3}
    rows = {"type": "array", "items": {"type": "array", "items": pixel}}
    file = {"type": "string", "contentMediaType": "image/*"}
    return {
        "image/*": {"schema": {}},
        "multipart/form-data": {
            "schema": _object({"image": {"type": "array", "items": file, "minItems": 1}})
        },
        "application/json": {
            "schema": {
                "oneOf": [
                    _object({"image": encoded}),
                    _object({"images": {"type": "array", "items": encoded, "minItems": 1}}),
                    _object({"pixels": {"oneOf": [rows, {"type": "array", "items": rows}]}}),
                ]
            },
            "examples": {"pixels": {"value": {"pixels": [[[255, 0, 0], [0, 0, 255]]]}}},
        },
    }


def _health() -> Schema:
    state = _object(
        {"status": {"enum": ["ok", "draining"]}, "queued": {"type": "integer", "minimum": 0}}
    )
    return {
        "summary": "Whether images are accepted, and how many are waiting",
        "responses": {
            "200": _json("Images are accepted", state),
            "503": _json("The server is shutting down", state),
        },
    }


def _schemas() -> Schema:
    share = {"type": "number", "minimum": 0, "maximum": 1}
    probabilities = {
        "type": "object",
        "additionalProperties": share,
        "description": "of the most probable classes, by name and in this order",
    }
    far = {
        "type": ["boolean", "null"],
        "description": (
            "a hint that the image is unlike those in training: its energy is above that of 99 % "
            "of the validation images; null if there were none"
        ),
    }
    return {
        "Prediction": _object(
            {"predicted": {"type": "string"}, "probabilities": probabilities, "far": far}
        ),
        "Predictions": _object({"predictions": {"type": "array", "items": _ref("Prediction")}}),
        "Error": _object({"error": {"type": "string"}}),
    }


def _object(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(description: str, schema: Schema) -> Schema:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _error(description: str) -> Schema:
    return _json(description, _ref("Error"))


def _retry() -> Schema:
    about = "seconds after which to try again"
    return {"headers": {"Retry-After": {"description": about, "schema": {"type": "integer"}}}}
