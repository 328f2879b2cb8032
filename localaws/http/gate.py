"""Refuse requests that a web page or another host name could have brought here, before they are parsed.

A page of any site can send requests to 127.0.0.1, and DNS rebinding gives them a host name of that site. SDKs and
Terraform send the endpoint's own Host, and neither Origin nor fetch metadata.
"""

from typing import Any

from localaws.administrator import Administrator
from localaws.http.call import Answer, json_answer


def misdirected(environ: dict[str, Any], port: int) -> Answer | None:
    """Return the 421 for a request to another host or from a page; None for any other request."""
    host: str = environ.get("HTTP_HOST", "").lower()
    if (
        host in {f"127.0.0.1:{port}", f"localhost:{port}"}
        and not {"HTTP_ORIGIN", "HTTP_SEC_FETCH_SITE"} & environ.keys()
    ):
        return None
    return json_answer(421, {"error": f"Only http://127.0.0.1:{port} is answered, and never a web page."})


def unauthorized(environ: dict[str, Any], administrator: Administrator) -> Answer | None:
    """Return the 401 for a request to ``/_rehearsal/`` that lacks the administrator's key; None if it has it."""
    scheme, _, key = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme == "Bearer" and administrator.is_key(key):
        return None
    return json_answer(401, {"error": "Send `Authorization: Bearer KEY`, with the access key ID of the run's aws.env."})
