"""The page of documentation: plain HTML that loads nothing, made from the OpenAPI schema."""

from __future__ import annotations

from html import escape
from typing import Any

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;"
    "color:#1a1a1a;background:#fff}pre{background:#f3f3f3;padding:.75rem;overflow:auto}"
    "table{border-collapse:collapse}td{padding:.15rem 1rem .15rem 0;vertical-align:top}"
    "@media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#161616}"
    "pre{background:#262626}a{color:#8ab4f8}}"
)
#: Requests that somebody may try, by path.
EXAMPLES = {
    "/predict": (
        "curl --data-binary @cat.png -H 'Content-Type: image/png' '{at}/predict?top=3'",
        "curl -F image=@cat.png -F image=@dog.jpg {at}/predict",
        "curl --json '{{\"pixels\": [[[255, 0, 0], [0, 0, 255]]]}}' {at}/predict",
    ),
    "/health": ("curl {at}/health",),
    "/model": ("curl {at}/model",),
}


def page(schema: dict[str, Any], address: str) -> str:
    """List every path with its answers and with requests to try.

    Args:
        schema: as :func:`cifar_lab.deploy.server.schema.openapi` returns it.
        address: of the server, for the examples.
    """
    info = schema["info"]
    parts = [
        f"<h1>{escape(info['title'])}</h1>",
        f"<p>{escape(info['description'])}</p>",
        "<p>The same in OpenAPI, for programs: <a href='/openapi.json'>openapi.json</a>.</p>",
        "<form method='post' action='/predict' enctype='multipart/form-data'>"
        "<label>Try it: <input type='file' name='image' accept='image/*' multiple required></label>"
        " <button>Classify</button></form>",
    ]
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            parts += _operation(path, method, operation, address)
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width'>"
        f"<title>{escape(info['title'])}</title><style>{STYLE}</style></head>"
        f"<body>{''.join(parts)}</body></html>"
    )


def _operation(path: str, method: str, operation: dict[str, Any], address: str) -> list[str]:
    commands = "\n".join(each.format(at=address) for each in EXAMPLES[path])
    parameters = [
        f"<li><code>{escape(each['name'])}</code>: {escape(each['description'])}</li>"
        for each in operation.get("parameters", [])
    ]
    answers = [
        f"<tr><td>{status}</td><td>{escape(each['description'])}</td></tr>"
        for status, each in operation["responses"].items()
    ]
    return [
        f"<h2><code>{method.upper()} {escape(path)}</code></h2>",
        f"<p>{escape(operation['summary'])}. {escape(operation.get('description', ''))}</p>",
        f"<ul>{''.join(parameters)}</ul>" if parameters else "",
        f"<pre>{escape(commands)}</pre>",
        f"<table>{''.join(answers)}</table>",
    ]
