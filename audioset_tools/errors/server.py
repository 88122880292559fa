"""The one door to Flask: serves the page of an error analysis, and keeps what people answer.

It listens on 127.0.0.1 only, and answers nobody without the cookie that the printed address is exchanged
for. Pages of other hosts, which a browser on this machine may have open as well, neither read from it nor
write to it: the Host must be ours, which ends DNS rebinding; what writes must come from our own origin, as
JSON.
"""

import errno
import socket
import time
import zlib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from flask import Flask, Response, jsonify, request, send_file

from ..exceptions import AudiosetToolsError, EnvironmentProblem, UsageError
from ..files import parse_json
from .answers import Answer, Clock, latest, name_trouble, parse_answer, read_answers, store_answers
from .connections import PageServer
from .mistakes import Mistake
from .page import INDEX, Made
from .secret import Secret

LARGEST = 1 << 20
"""Bytes of a request."""

MOST = 100
"""Answers of a request."""

_PORTS = range(20_480, 28_672)
"""Where a run's own port lies: below those that Linux lends to outgoing connections."""

_KINDS = {".html": "text/html", ".flac": "audio/flac", ".jpg": "image/jpeg"}

_HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


_CLOSED = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Closed</title>
<p>This opens only by the address that <code>audioset-tools errors --serve</code> printed, token and all.</p>
<p>If a link on another site has just led you here with it, <a href="">go on</a>.</p>
</html>
"""

_OPEN_AGAIN = "open the address that the server printed once more, in this browser"


def make_app(
    made: Made,
    mistakes: Mapping[str, Mistake],
    answers: Path,
    secret: Secret,
    clock: Clock = time.time,
) -> Flask:
    """The web application that shows a page and keeps what people answer.

    Args:
        mistakes: of the run, by key; about others no answer is taken.
        answers: the file that keeps them.
        secret: what a browser must know; its port is where the application will listen.
        clock: seconds since the epoch; no answer may be from the future.
    """
    app = Flask("audioset_tools", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST
    _guard(app, {f"127.0.0.1:{secret.port}", f"localhost:{secret.port}"}, secret)

    def enter() -> Response | tuple[Response, int]:
        if not secret.is_token(request.args.get("token", "")):
            return _closed()
        # To an address without the token, which is then seen neither on the screen nor in the history.
        response = Response(status=303, headers={"Location": secret.path})
        name, value = secret.cookie
        response.set_cookie(name, value, path=secret.path, httponly=True, samesite="Strict")
        return response

    def index() -> Response:
        return _file(made.folder / INDEX)

    def media(name: str) -> Response | tuple[Response, int]:
        return _file(made.folder / name) if name in made.files else _no("there is no such file", 404)

    def stored() -> Response | tuple[Response, int]:
        name = request.args.get("annotator", "")
        if (trouble := name_trouble(name)) is not None:
            return _no(trouble, 400)
        last = latest(read_answers(answers, clock))
        own = [one.json() for (annotator, _), one in last.items() if annotator == name]
        return jsonify(answers=own, now=int(1000 * clock()))

    def store() -> Response | tuple[Response, int]:
        parsed = _parse(request.get_data(), mistakes, clock)
        if isinstance(parsed, list):
            store_answers(answers, parsed)
            return jsonify(stored=len(parsed))
        return parsed

    app.add_url_rule("/", view_func=enter)
    app.add_url_rule(secret.path, view_func=index)
    app.add_url_rule(f"{secret.path}answers", view_func=stored)
    app.add_url_rule(f"{secret.path}answers", view_func=store, methods=["POST"])
    app.add_url_rule(f"{secret.path}<path:name>", view_func=media)
    return app


def _guard(app: Flask, hosts: Collection[str], secret: Secret) -> None:
    """Refuse what does not come from our own page, and have browsers keep others away from what we send."""

    def refuse() -> tuple[Response, int] | None:
        if request.headers.get("Host") not in hosts:
            return _no("this server answers for 127.0.0.1 only", 421)
        asks = request.endpoint in ("stored", "store")
        if request.endpoint != "enter" and not secret.opens(request.headers.get("Cookie", "")):
            return _no(_OPEN_AGAIN, 403) if asks else _closed()
        if asks and not _same_site():
            return _no("requests of other sites are refused", 403)
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


def serve(app: Flask, listening: socket.socket, secret: Secret, ready: Callable[[str], object]) -> None:
    """Answer until the process is interrupted.

    Args:
        app: what `make_app` made with the same secret, whose port the socket has.
        ready: called with the address once it answers.
    """
    server = PageServer(app, listening, secret.opens, LARGEST)
    ready(secret.address)
    try:
        server.run()
    finally:
        server.close()


def _same_site() -> bool:
    """Whether a request is our own page's, as far as the browser says; old ones say nothing."""
    return request.headers.get("Sec-Fetch-Site", "same-origin") in ("same-origin", "none")


def _parse(body: bytes, mistakes: Mapping[str, Mistake], clock: Clock) -> list[Answer] | tuple[Response, int]:
    try:
        sent = parse_json(body)
    except ValueError:
        return _no("this is no JSON", 400)
    listed = sent.get("answers") if isinstance(sent, dict) else None
    if not isinstance(listed, list) or not 0 < len(listed) <= MOST:
        return _no(f"a request brings 1 to {MOST} answers", 400)
    parsed = []
    for number, one in enumerate(listed):
        try:
            parsed.append(parse_answer(one, mistakes, clock))
        except ValueError as error:
            return _no(str(error), 400, number=number)
    return parsed


def _file(path: Path) -> Response:
    # Conditional: a player asks for parts of a sound.
    return send_file(path.resolve(), mimetype=_KINDS[path.suffix], conditional=True, max_age=0)


def _closed() -> tuple[Response, int]:
    return Response(_CLOSED, mimetype="text/html"), 403


def _no(error: str, status: int, **more: int) -> tuple[Response, int]:
    return jsonify(error=error, **more), status
