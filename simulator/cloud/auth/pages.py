"""The HTML that a person sees: sign-in, consent, pairing, messages."""

from collections.abc import Iterable, Mapping
from html import escape

from aiohttp import web

STYLE = """
:root { color-scheme: light dark; --line: #8884; --accent: #3457d5; }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; background: Canvas; color: CanvasText; }
main { max-width: 30rem; margin: 8vh auto; padding: 0 1.25rem; }
main.wide { max-width: 64rem; margin: 2.5rem auto; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; }
h2 { font-size: 1.15rem; margin: 0; }
p.note { color: GrayText; margin: .25rem 0 1.25rem; }
.card { border: 1px solid var(--line); border-radius: 14px; padding: 1.1rem 1.25rem; margin: 1rem 0; }
label { display: block; margin: .6rem 0; }
label.text span { display: block; font-size: .85rem; color: GrayText; }
input[type=email], input[type=password] { width: 100%; font: inherit; padding: .55rem .7rem;
  border: 1px solid var(--line); border-radius: 8px; background: Field; color: FieldText; }
input[type=checkbox] { width: 1.1rem; height: 1.1rem; vertical-align: -.15rem; margin-right: .5rem;
  accent-color: var(--accent); }
.buttons { display: flex; flex-wrap: wrap; gap: .5rem; margin-top: 1.1rem; }
.buttons form { margin: 0; }
button, a.button { font: inherit; padding: .5rem 1rem; border-radius: 8px; cursor: pointer;
  border: 1px solid var(--line); background: ButtonFace; color: ButtonText; text-decoration: none; }
button.main { background: var(--accent); border-color: var(--accent); color: #fff; }
.error { color: #c62828; }
.grid { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(19rem, 1fr)); }
.bar { height: .6rem; border-radius: .3rem; background: var(--line); overflow: hidden; margin: .6rem 0; }
.bar i { display: block; height: 100%; background: #2e9e5b; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .1rem .8rem; margin: .6rem 0; }
dt { color: GrayText; }
dd { margin: 0; text-align: right; }
"""


def page(
    title: str, content: str, *, status: int = 200, wide: bool = False, head: str = ""
) -> web.Response:
    """Return a whole page; `content` and `head` are HTML."""
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style>{head}</head>"
        f'<body><main class="{"wide" if wide else "narrow"}">{content}</main></body></html>'
    )
    return web.Response(
        text=text,
        content_type="text/html",
        status=status,
        headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"},
    )


def message(title: str, text: str, *, status: int = 200, extra: str = "") -> web.Response:
    """Return a page that only says something; `extra` is HTML."""
    content = f'<h1>{escape(title)}</h1><p id="message">{escape(text)}</p>{extra}'
    return page(title, content, status=status)


def redirect(url: str, *, status: int = 302) -> web.Response:
    """Return a redirect; 303 turns a POST into a GET."""
    return web.Response(status=status, headers={"Location": url})


def hidden(fields: Mapping[str, str]) -> str:
    """Return hidden inputs."""
    return "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in fields.items()
    )


def sign_in(
    action: str, fields: Mapping[str, str], hints: Iterable[tuple[str, str]], error: str = ""
) -> web.Response:
    """Return the sign-in form. `hints` are the demo accounts: e-mail and password."""
    listed = "".join(
        f"<li><code>{escape(email)}</code> / <code>{escape(password)}</code></li>"
        for email, password in hints
    )
    failure = f'<p class="error" id="error">{escape(error)}</p>' if error else ""
    content = f"""
<h1>Sign in</h1><p class="note">Simulated Tesla account</p>
<form class="card" method="post" action="{escape(action)}">
{failure}{hidden({**fields, "step": "signin"})}
<label class="text"><span>Email</span>
<input id="email" name="email" type="email" autocomplete="off" required autofocus></label>
<label class="text"><span>Password</span>
<input id="password" name="password" type="password" autocomplete="off" required></label>
<div class="buttons"><button id="signin" class="main" type="submit">Sign in</button></div>
</form>
<p class="note">Accounts of this simulator:</p><ul id="accounts">{listed}</ul>"""
    return page("Sign in", content, status=401 if error else 200)


def scope_boxes(
    scopes: Iterable[str], words: Mapping[str, str], fixed: Iterable[str], ticked: Iterable[str]
) -> str:
    """Return a checkbox per scope; those in `fixed` are ticked and cannot be changed."""
    fixed, ticked = frozenset(fixed), frozenset(ticked)
    rows = []
    for scope in scopes:
        name = escape(scope)
        state = " checked" if scope in ticked | fixed else ""
        if scope in fixed:
            # A disabled box is not sent by the browser: the hidden field carries its value.
            state += " disabled"
            rows.append(f'<input type="hidden" name="scope" value="{name}">')
        rows.append(
            f'<label><input type="checkbox" name="scope" value="{name}"{state}>'
            f"{escape(words.get(scope, scope))}</label>"
        )
    return "".join(rows)


def consent(
    action: str, fields: Mapping[str, str], application: str, email: str, boxes: str
) -> web.Response:
    """Return the page that asks what an application may do."""
    content = f"""
<h1>{escape(application)} asks for access</h1>
<p class="note">Signed in as {escape(email)}</p>
<form class="card" method="post" action="{escape(action)}">
{hidden({**fields, "step": "consent"})}{boxes}
<div class="buttons">
<button id="approve" class="main" type="submit" name="decision" value="approve">Allow</button>
<button id="deny" type="submit" name="decision" value="deny">Cancel</button>
</div></form>"""
    return page("Allow access", content)
