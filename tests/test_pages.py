"""What every page rests on: escaping, the policy, and that nothing comes from elsewhere."""

import re
from pathlib import Path

import pytest
from jinja2 import DictLoader, UndefinedError

from audioset_tools import pages
from audioset_tools.pages import TEMPLATES, environment, policy, render_page, write_page

HOSTILE = """</script><script>alert(1)</script><img src=x onerror="alert(2)">'"&{{ 7*7 }}\u2028\033[31m"""


@pytest.fixture
def template(monkeypatch: pytest.MonkeyPatch) -> str:
    """A page that shows a title and a text."""
    inner = "{% extends 'base.html' %}{% block main %}<p title=\"{{ text }}\">{{ text }}</p>{% endblock %}"
    loader = DictLoader({"base.html": (TEMPLATES / "base.html").read_text(), "text.html": inner})
    monkeypatch.setattr(environment(), "loader", loader)
    monkeypatch.setattr(environment(), "cache", {})
    return "text.html"


def test_hostile_text_stays_text(template: str) -> None:
    text = render_page(template, title=HOSTILE, text=HOSTILE, data={HOSTILE: [HOSTILE]})
    assert "<img" not in text and "{{ 7*7 }}" in text
    assert re.findall(r"<script[^>]*>", text) == ['<script type="application/json" id="data">']
    assert text.count("</script>") == 1


def test_a_page_has_what_its_template_asks_for(template: str) -> None:
    with pytest.raises(UndefinedError):
        render_page(template, title="no text")


def test_the_same_content_gives_the_same_bytes(template: str, tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        write_page(tmp_path / name, template, title="Ça", text="ü", data={"b": 1, "a": 2})
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "b.html"]
    (tmp_path / "a.html").write_bytes(b"\xff\xfe no text")
    write_page(tmp_path / "a.html", template, title="Ça", text="ü", data={"b": 1, "a": 2})
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_page_runs_only_scripts_of_known_hash() -> None:
    assert "script-src 'none'" in policy([]) and "default-src 'none'" in policy([])
    one, two = policy(["alert(1)"]), policy(["alert(2)"])
    assert one != two and "'sha256-" in one and "unsafe-eval" not in one
    assert "script-src 'unsafe" not in one and policy([], "connect-src 'self'").endswith(
        "; connect-src 'self'"
    )


def test_no_template_names_another_host() -> None:
    for path in TEMPLATES.iterdir():
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"(src|href)\s*=\s*[\"']?\s*(https?:)?//|@import|url\(", text), path.name


def test_all_pages_are_made_by_one_environment() -> None:
    assert pages.environment() is environment() and environment().autoescape is True
