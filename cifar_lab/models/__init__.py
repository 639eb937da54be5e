"""Networks for small images, one family a file. Each maps float images to logits.

What others may use stands in ``__init__.pyi``, and is imported when it is first asked for.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
