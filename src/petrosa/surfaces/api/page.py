"""The OpenAPI document as a page for people: one file, no script, nothing asked of anybody else."""

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

PAGE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""Should anything foreign ever get into the page, a browser would neither run nor fetch it."""
STYLE: Final = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "pre{background:#f4f4f4;padding:.7rem;overflow:auto}summary{cursor:pointer}code,pre{font-size:13px}"
    "table{border-collapse:collapse}td,th{text-align:left;padding:.1rem .8rem .1rem 0;vertical-align:top}"
)


def page_of(document: Mapping[str, Any]) -> bytes:
    """Every operation with its text, parameters, examples and answers, by tag."""
    info = document["info"]
    title = escape(f"{info['title']} {info['version']}")
    body = "".join(_tag(document, tag) for tag in document["tags"])
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head><body><h1>{title}</h1><p>{escape(info['summary'])} "
        f'For programs: <a href="/openapi.json">openapi.json</a></p>{body}</body></html>'
    )
    return text.encode()


def _tag(document: Mapping[str, Any], tag: Mapping[str, str]) -> str:
    operations = "".join(
        _operation(method, path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if tag["name"] in operation["tags"]
    )
    return f"<h2>{escape(tag['name'])}</h2><p>{escape(tag['description'])}</p>{operations}"


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> str:
    head = f"<code>{method.upper()} {escape(path)}</code> {escape(operation['summary'])}"
    return f"<details><summary>{head}</summary>{''.join(_told(operation))}</details>"


def _told(operation: Mapping[str, Any]) -> Iterator[str]:
    """The parts of one operation that it has."""
    if operation.get("description"):
        yield f"<p>{escape(operation['description'])}</p>"
    if operation.get("parameters"):
        rows = "".join(
            f"<tr><td><code>{escape(one['name'])}</code></td><td>{one['in']}</td>"
            f"<td>{'required' if one['required'] else ''}</td><td>{escape(one.get('description', ''))}</td></tr>"
            for one in operation["parameters"]
        )
        yield f"<table>{rows}</table>"
    for content in operation.get("requestBody", {}).get("content", {}).values():
        yield f"<p>Body:</p>{_example(content)}"
    for status, response in operation["responses"].items():
        yield f"<p><b>{escape(status)}</b> {escape(response['description'])}</p>"
        if status.startswith("2"):
            yield from (_example(content) for content in response.get("content", {}).values())


def _example(content: Mapping[str, Any]) -> str:
    example = content.get("example")
    if example is None:
        return ""
    text = example if isinstance(example, str) else json.dumps(example, indent=2, ensure_ascii=False, default=str)
    return f"<pre>{escape(text)}</pre>"
