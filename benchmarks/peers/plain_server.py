"""The server of tutorials: decodes an image, calls the network, answers; one request at a time.

``python plain_server.py BUNDLE`` prints its address and serves until it is ended.
"""

from __future__ import annotations

import io
import socket
import sys
from pathlib import Path

import numpy as np
import torch
import uvicorn
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from torchvision.transforms import v2

from cifar_lab.deploy.bundle import read_bundle
from cifar_lab.deploy.opening import open_bundle


def app(bundle: Path) -> Starlette:
    """Serves ``POST /predict`` with the probabilities of all classes, by name."""
    opened = open_bundle(read_bundle(bundle))
    usage = opened.usage
    model = opened.model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    transform = v2.Compose(
        [
            v2.Resize(usage.image_size),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(usage.mean, usage.std),
        ]
    )

    async def predict(request: Request) -> JSONResponse:
        image = Image.open(io.BytesIO(await request.body())).convert("RGB")
        with torch.no_grad():
            shares = model(transform(image)[None]).softmax(1)[0].tolist()
        best = int(np.argmax(shares))
        probabilities = dict(zip(usage.class_names, shares, strict=True))
        found = {"predicted": usage.class_names[best], "probabilities": probabilities}
        return JSONResponse({"predictions": [found]})

    return Starlette(routes=[Route("/predict", predict, methods=["POST"])])


def main() -> None:
    """Serves on a free port."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    served = app(Path(sys.argv[1]))
    print(f"serving on http://127.0.0.1:{listening.getsockname()[1]} ", flush=True)
    config = uvicorn.Config(served, log_level="error", access_log=False)
    uvicorn.Server(config).run([listening])


if __name__ == "__main__":
    main()
