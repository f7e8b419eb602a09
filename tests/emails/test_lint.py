from __future__ import annotations

from emails.parts import compiled, email_file
from nurture.emails.lint import lint, oversize
from nurture.emails.names import undeclared


def test_a_sound_template_is_not_complained_about() -> None:
    files = {"a.html": email_file('<p>{{ contact.anything }}</p><img src="https://x.example/a.png" alt="" width="20">')}
    assert lint(files, "a") == []
    assert undeclared(files, "a") == []


def test_what_mailboxes_dislike_is_told_at_its_line() -> None:
    files = {
        "a.html": email_file('<p>\n<img src="{{ contact.image }}" width="20">\n<a href="http://x.example/">x</a></p>')
    }
    problems = lint(files, "a")
    assert [(p.rule, p.line, p.severity) for p in problems] == [("alt", 5, "warning"), ("https", 6, "warning")]


def test_a_missing_subject_is_an_error_in_the_language_that_lacks_it() -> None:
    files = {"a.html": email_file("x"), "a.tr.html": "<p>x</p>"}
    assert [(p.path, p.rule) for p in lint(files, "a")] == [("templates/emails/a.tr.html", "subject")]


def test_unknown_names_are_told_with_the_nearest() -> None:
    body = "<p>{{ contct.first_name }}\n{{ links.unsubscrib }}{% for a in [1] %}{{ a }}{{ loop.index }}{% endfor %}</p>"
    problems = undeclared({"a.html": email_file(body, subject="{{ nobody }}")}, "a")
    assert [(p.line, p.hint) for p in problems if p.line > 2] == [
        (4, "did you mean contact?"),
        (5, "did you mean links.unsubscribe?"),
    ]
    assert problems[0].line == 2
    assert "'nobody'" in problems[0].message


def test_unknown_names_in_a_text_file_are_told() -> None:
    files = {"a.html": email_file("x"), "a.txt": "one\n{{ nobody }}"}
    assert [(p.path, p.line) for p in undeclared(files, "a")] == [("templates/emails/a.txt", 2)]


def test_an_email_gmail_would_clip_is_told() -> None:
    assert oversize(compiled("<p>short</p>")) is None
    problem = oversize(compiled("<p>long</p>" * 20_000))
    assert problem is not None
    assert "cuts it off" in problem.message
