"""Files by which a bundle's server runs in a container, or as a service of systemd."""

from __future__ import annotations

import re

from cifar_lab import __version__
from cifar_lab.deploy.description import Description

#: Names of the files in the folder of a bundle.
DOCKERFILE, UNIT = "Dockerfile", "cifar-lab.service"
#: Seconds for answering what was accepted before the server stops.
GRACE_SECONDS = 30
#: Seconds until whoever started the server kills it: longer, so that it can end by itself.
STOP_SECONDS = 45
PORT = 8000

_DOCKERFILE = """\
# Serves {name} on port {port}. In this folder:
#   docker build -t {tag} .
#   docker run --rm --read-only --stop-timeout {stop} -p 127.0.0.1:{port}:{port} {tag}
FROM python:3.12-slim

# PyTorch for CPUs only is a tenth of the size. The same version gives the same logits.
RUN pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu \\
    torch=={torch} torchvision
# Or copy a wheel of this version into this folder, and install that one.
RUN pip install --no-cache-dir "cifar-lab[app]=={version}"

RUN useradd --system --no-create-home --uid 10001 cifar-lab
COPY . /bundle
USER 10001
# Nothing is written; what libraries would like to keep goes to memory.
ENV HOME=/dev/shm PYTHONDONTWRITEBYTECODE=1

EXPOSE {port}
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \\
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('{health}', timeout=4)"]
CMD ["cifar-lab", "serve", "/bundle", "--host", "0.0.0.0", "--port", "{port}", "--grace", "{grace}"]
"""

_UNIT = """\
# Serves {name} on port {port} of this machine. As root:
#   python3 -m venv /opt/cifar-lab
#   /opt/cifar-lab/bin/pip install "cifar-lab[app]=={version}"
#   mkdir -p /srv/cifar-lab && cp -r THIS_FOLDER /srv/cifar-lab/bundle
#   cp /srv/cifar-lab/bundle/{unit} /etc/systemd/system/
#   systemctl enable --now {unit}
[Unit]
Description=CIFAR Lab: {name}
After=network.target

[Service]
ExecStart=/opt/cifar-lab/bin/cifar-lab serve /srv/cifar-lab/bundle --port {port} --grace {grace}
Restart=on-failure
# It ends by itself, with status 0, once every request that it accepted is answered.
KillSignal=SIGTERM
KillMode=mixed
TimeoutStopSec={stop}
# A refusal, e.g. of a damaged bundle, is not mended by starting again.
RestartPreventExitStatus=2

DynamicUser=yes
CacheDirectory=cifar-lab
Environment=HOME=/var/cache/cifar-lab
WorkingDirectory=/var/cache/cifar-lab
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=yes
ProtectProc=invisible
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
PrivateTmp=yes
PrivateDevices=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
UMask=0077

[Install]
WantedBy=multi-user.target
"""


def service_files(description: Description) -> dict[str, str]:
    """Write a Dockerfile and a unit of systemd that serve a bundle.

    Both run as a user without rights, cannot write to the bundle, and wait longer than the server
    needs to answer what it has accepted. Python files of the user's own are not imported; whoever
    trusts them adds ``--trust`` to the command.

    Args:
        description: of the bundle.

    Returns:
        The content of each file, by its name in the folder of the bundle.
    """
    import torch

    name = _on_a_line(description.name)
    words = {
        "name": name,
        "tag": re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "cifar-lab",
        "version": __version__,
        "torch": torch.__version__.partition("+")[0],
        "port": PORT,
        "grace": GRACE_SECONDS,
        "stop": STOP_SECONDS,
        "unit": UNIT,
        "health": f"http://127.0.0.1:{PORT}/health",
    }
    return {DOCKERFILE: _DOCKERFILE.format(**words), UNIT: _UNIT.format(**words)}


def _on_a_line(name: str) -> str:
    """Return a name without what would end a comment or stand for something in a unit."""
    return re.sub(r"[^\w .,()-]+", " ", name, flags=re.ASCII).strip()[:80] or "a network"
