"""Answers that no server should give, by name: some can be read but not understood, some never arrive."""

import asyncio
import gzip
import random
import zlib

from .world import TOKEN, Script, http_answer

MEGABYTES = b'{"response": "' + b"A" * 5_000_000 + b'"}'


def compressed(encoding: str, body: bytes) -> bytes:
    return http_answer(200, body, {"Content-Encoding": encoding})


def bomb(megabytes: int) -> bytes:
    """Return a small gzip answer that unpacks to this much."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = b"0" * 1_000_000
    return b"".join(packer.compress(zeros) for _ in range(megabytes)) + packer.flush()


def endless(head: bytes, piece: bytes, pause: float = 0.0) -> Script:
    """Return a script that never comes to an end."""

    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        for _ in range(100_000):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)

    return write


async def silence(_: asyncio.StreamWriter) -> None:
    """Take the request and never say a word."""
    await asyncio.sleep(10)


async def abort(writer: asyncio.StreamWriter) -> None:
    """Reset the connection."""
    writer.transport.abort()


CHUNKED = http_answer(200, b"", {"Content-Length": "", "Transfer-Encoding": "chunked"})
LONG = http_answer(200, b"", {"Content-Length": "9999999"})

UNREADABLE: dict[str, bytes | Script] = {
    "empty": http_answer(200, b""),
    "no content": http_answer(204, b"", {"Content-Length": ""}),
    "html": http_answer(200, "<html>Sign in to the hotel's network</html>"),
    "cut json": http_answer(200, '{"response": {"state": "onl'),
    "two documents": http_answer(200, "{}{}"),
    "list": http_answer(200, "[]"),
    "text": http_answer(200, '"ok"'),
    "null": http_answer(200, "null"),
    "NaN": http_answer(200, '{"response": NaN}'),
    "Infinity": http_answer(200, '{"response": -Infinity}'),
    "invalid UTF-8": http_answer(200, b'{"response": "\xff\xfe"}'),
    "lone surrogate": http_answer(200, '{"response": "\\ud800"}'),
    "UTF-16": http_answer(200, '{"response": "x"}'.encode("utf-16")),
    "deep list": http_answer(200, b'{"response": ' + b"[" * 100_000),
    "deep object": http_answer(200, b'{"response":' * 50_000),
    "closed depth": http_answer(200, b'{"response": ' + b"[" * 5000 + b"]" * 5000 + b"}"),
    "megabytes": http_answer(200, MEGABYTES),
    "megabytes of blanks": http_answer(200, b" " * 5_000_000 + b"{}"),
    "gzip bomb": compressed("gzip", bomb(300)),
    "deflate bomb": compressed("deflate", zlib.compress(b"0" * 50_000_000, 9)),
    "bomb in a bomb": compressed("gzip", gzip.compress(gzip.compress(b"0" * 20_000_000))),
    "gzip cut": compressed("gzip", gzip.compress(random.randbytes(900))[:300]),
    "endless": endless(LONG, b"A" * 65_536),
    "endless chunks": endless(CHUNKED, b"10000\r\n" + b"A" * 65_536 + b"\r\n"),
    "until closed": http_answer(200, b'{"respon', {"Content-Length": ""}),
    "found": http_answer(302, b"", {"Location": "https://elsewhere.example.com/"}),
    "not modified": http_answer(304, b"", {"Content-Length": ""}),
}

LOST: dict[str, bytes | Script] = {
    "closed": b"",
    "aborted": abort,
    "cut in the status line": b"HTTP/1.1 20",
    "cut in the headers": b"HTTP/1.1 200 OK\r\nContent-Len",
    "cut in the body": http_answer(200, b'{"response": 1', {"Content-Length": "999"}),
    "not HTTP": b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
    "garbage": bytes(range(256)) * 4,
    "negative length": http_answer(200, b"{}", {"Content-Length": "-2"}),
    "two lengths": http_answer(200, b"{}", {"X: y\r\nContent-Length": "7"}),
    "length is no number": http_answer(200, b"{}", {"Content-Length": "²"}),
    "bad chunk": CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n",
    "chunk without end": CHUNKED + b"2\r\n{}\r\n",
    "header too long": b"HTTP/1.1 200 OK\r\nX: " + b"A" * 200_000 + b"\r\n\r\n",
    "too many headers": b"HTTP/1.1 200 OK\r\n" + b"X-Y: z\r\n" * 20_000 + b"\r\n{}",
    "token in a broken header": f"HTTP/1.1 200 OK\r\n{TOKEN} x\x00\r\n\r\n".encode(),
    "gzip garbage": compressed("gzip", b"this is not gzip at all"),
    "deflate garbage": compressed("deflate", b"\xff\xff this is not deflate"),
    "zstd garbage": compressed("zstd", b"this is not zstd"),
    "silence": silence,
    "slow headers": endless(b"HTTP/1.1 200 OK\r\n", b"X-Y: z\r\n", 0.1),
    "slow body": endless(LONG, b" ", 0.1),
    "only 100 Continue": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.1),
}
