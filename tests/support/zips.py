"""Packages of functions, made in memory."""

import io
import zipfile


def package(**files: str) -> bytes:
    """A zip with these modules, by name without ``.py``."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.py", text)
    return content.getvalue()
