"""The one door to Flask and waitress: serves the page of an error analysis, and keeps what people answer.

It listens on 127.0.0.1 only. Pages of other hosts, which a browser on this machine may have open as well,
neither read from it nor write to it: the Host must be ours, which ends DNS rebinding; what writes must come
from our own origin, as JSON, with a token that only our own page can read.
"""

import errno
import hmac
import json
import secrets
import socket
import zlib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import waitress
from flask import Flask, Response, jsonify, request, send_file

from ...errors import AudiosetToolsError, EnvironmentProblem, UsageError
from .answers import Answer, latest, name_trouble, parse_answer
from .mistakes import Mistake
from .page import INDEX, Made
from .store import read_answers, store_answers

LARGEST = 1 << 20
"""Bytes of a request."""

MOST = 100
"""Answers of a request."""

_THREADS = 8

_PORTS = range(20_480, 28_672)
"""Where a run's own port lies: below those that Linux lends to outgoing connections."""

_KINDS = {".html": "text/html", ".mp3": "audio/mpeg", ".jpg": "image/jpeg"}

_HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def make_app(made: Made, mistakes: Mapping[str, Mistake], answers: Path, port: int) -> Flask:
    """The web application.

    Args:
        made: the page.
        mistakes: of the run, by key; about others no answer is taken.
        answers: the file that keeps them.
        port: where it will listen, since every request must name it.
    """
    app = Flask("audioset_tools", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST
    token = secrets.token_urlsafe(32)
    _guard(app, {f"127.0.0.1:{port}", f"localhost:{port}"}, token)

    def index() -> Response:
        return _file(made.folder / INDEX)

    def media(name: str) -> Response | tuple[Response, int]:
        return _file(made.folder / name) if name in made.files else _no("there is no such file", 404)

    def session() -> Response:
        return jsonify(token=token)

    def stored() -> Response | tuple[Response, int]:
        name = request.args.get("annotator", "")
        if (trouble := name_trouble(name)) is not None:
            return _no(trouble, 400)
        last = latest(read_answers(answers))
        return jsonify(answers=[one.json() for (annotator, _), one in last.items() if annotator == name])

    def store() -> Response | tuple[Response, int]:
        parsed = _parse(request.get_data(), mistakes)
        if isinstance(parsed, list):
            store_answers(answers, parsed)
            return jsonify(stored=len(parsed))
        return parsed

    app.add_url_rule("/", view_func=index)
    app.add_url_rule("/session", view_func=session)
    app.add_url_rule("/answers", view_func=stored)
    app.add_url_rule("/answers", view_func=store, methods=["POST"])
    app.add_url_rule("/<path:name>", view_func=media)
    return app


def _guard(app: Flask, hosts: Collection[str], token: str) -> None:
    """Refuse what does not come from our own page, and tell browsers to keep others away from what we say."""

    def refuse() -> tuple[Response, int] | None:
        if request.headers.get("Host") not in hosts:
            return _no("this server answers for 127.0.0.1 only", 421)
        if request.endpoint in ("session", "stored", "store") and not _same_site():
            return _no("requests of other sites are refused", 403)
        if request.endpoint in ("stored", "store"):
            given = request.headers.get("X-Token", "")
            if not hmac.compare_digest(given.encode(), token.encode()):
                return _no("the page must begin a new session with this server", 403)
        if request.endpoint == "store":
            if request.headers.get("Origin") not in [f"http://{host}" for host in hosts]:
                return _no("requests of other sites are refused", 403)
            if request.mimetype != "application/json":
                return _no("answers come as application/json", 415)
        return None

    def dress(response: Response) -> Response:
        response.headers.update(_HEADERS)
        return response

    def failed(error: AudiosetToolsError) -> tuple[Response, int]:
        return _no(error.what, 507 if isinstance(error, EnvironmentProblem) else 500)

    def gone(_: FileNotFoundError) -> tuple[Response, int]:
        return _no("the file is gone", 404)

    app.before_request(refuse)
    app.after_request(dress)
    app.register_error_handler(AudiosetToolsError, failed)
    app.register_error_handler(FileNotFoundError, gone)


def listen(port: int, run: Path) -> socket.socket:
    """A socket on 127.0.0.1; port 0 is the run's own port, the same every time, or any if that is taken.

    A page that was open when the server died finds the next one only at the same address.

    Raises:
        UsageError: the port is no port, or another program has it.
    """
    own = _PORTS[zlib.crc32(str(run.resolve()).encode("utf-8", "surrogateescape")) % len(_PORTS)]
    for wanted in (port,) if port else (own, 0):
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", wanted))
            listening.listen()
        except (OSError, OverflowError) as error:
            listening.close()
            if port == 0 and getattr(error, "errno", None) == errno.EADDRINUSE:
                continue
            raise UsageError(
                f"nothing can listen on port {wanted}: {error}", "Choose another --port, or leave it out."
            ) from error
        return listening
    raise EnvironmentProblem("there is no free port", "Close programs that listen, or restart the machine.")


def serve(app: Flask, listening: socket.socket, ready: Callable[[str], None]) -> None:
    """Answer until the process is interrupted.

    Args:
        app: what `make_app` made for the socket's port.
        listening: the socket.
        ready: told the address once it answers.
    """
    server: Any = waitress.create_server(
        app, sockets=[listening], threads=_THREADS, max_request_body_size=LARGEST, ident=None
    )
    ready(f"http://127.0.0.1:{listening.getsockname()[1]}/")
    try:
        server.run()
    finally:
        server.close()


def _same_site() -> bool:
    """Whether a request is our own page's, as far as the browser says; old ones say nothing."""
    return request.headers.get("Sec-Fetch-Site", "same-origin") in ("same-origin", "none")


def _parse(body: bytes, mistakes: Mapping[str, Mistake]) -> list[Answer] | tuple[Response, int]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return _no("this is no JSON", 400)
    listed = told.get("answers") if isinstance(told, dict) else None
    if not isinstance(listed, list) or not 0 < len(listed) <= MOST:
        return _no(f"a request brings 1 to {MOST} answers", 400)
    parsed = []
    for number, one in enumerate(listed):
        try:
            parsed.append(parse_answer(one, mistakes))
        except ValueError as error:
            return _no(str(error), 400, number=number)
    return parsed


def _file(path: Path) -> Response:
    # Conditional: a player asks for parts of a sound.
    return send_file(path.resolve(), mimetype=_KINDS[path.suffix], conditional=True, max_age=0)


def _no(error: str, status: int, **more: int) -> tuple[Response, int]:
    return jsonify(error=error, **more), status
