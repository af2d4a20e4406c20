"""Asks a question over HTTP, and prints the answer while it is being written.

    pip install -r requirements.txt
    HEALIFY_EMAIL=you@example.com HEALIFY_PASSWORD=... python follow.py "What are healthy eating habits?"

HEALIFY_API is where the api is; http://localhost:3000 if not said. If the connection breaks, it goes on after the last event.
docs/protocol.md explains the events.
"""

import json
import os
import sys
import time
import uuid

import requests

API = os.environ.get("HEALIFY_API", "http://localhost:3000")
ENDS = ("completed", "failed", "cancelled")
# The api sends something at least every 15 seconds.
SILENCE_SECONDS = 40


def events(session, request_id):
    """Yields each event of the answer once, until its end. Connects again after a lost connection."""
    last = None
    while True:
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last} if last else {})}
        try:
            with session.get(
                f"{API}/chat/requests/{request_id}/events", headers=headers, stream=True, timeout=SILENCE_SECONDS
            ) as reply:
                if reply.status_code not in (429, 502, 503, 504):
                    check(reply)
                    for number, event in read(reply):
                        last = number or last
                        yield event
                        if event["type"] in ENDS:
                            return
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError):
            pass
        time.sleep(1)


def check(reply):
    """Ends the program if the api refuses. The reply says what to do."""
    if not reply.ok:
        problem = reply.json()
        sys.exit(f"{problem['code']}: {problem['detail']} {problem.get('errors', '')}")


def read(reply):
    """Yields the events of one connection, with their numbers."""
    number, data = None, ""
    for line in reply.iter_lines():
        line = line.decode()
        if line.startswith("id: "):
            number = line[4:]
        elif line.startswith("data: "):
            data = line[6:]
        elif line == "" and data:
            yield number, json.loads(data)
            number, data = None, ""


def text_after(text, event):
    """Returns the answer's text after one more event. It is UTF-16, because offsets count its code units."""
    if event["type"] in ("delta", "completed", "cancelled"):
        more = event["text"] if event["type"] == "delta" else event["rest"]
        return text[: 2 * event["offset"]] + more.encode("utf-16-le")
    return b"" if event["type"] in ("restarted", "failed") else text


def main():
    if not sys.argv[1:]:
        sys.exit('Usage: python follow.py "a question"')
    session = requests.Session()
    login = {"email": os.environ["HEALIFY_EMAIL"], "password": os.environ["HEALIFY_PASSWORD"]}
    tokens = session.post(f"{API}/auth/login", json=login, timeout=30)
    check(tokens)
    session.headers["Authorization"] = f"Bearer {tokens.json()['accessToken']}"
    # With a key, a question that is sent twice is asked once.
    question = {"message": " ".join(sys.argv[1:]), "stream": True}
    sent = session.post(
        f"{API}/chat/send", json=question, headers={"Idempotency-Key": str(uuid.uuid4())}, timeout=30
    )
    check(sent)
    text = b""
    for event in events(session, sent.json()["requestId"]):
        before, text = text, text_after(text, event)
        if event["type"] == "restarted":
            print("\n(The answer begins again.)")
        elif event["type"] == "failed":
            sys.exit(event["error"]["message"])
        elif text.startswith(before):
            print(text[len(before) :].decode("utf-16-le"), end="", flush=True)
    print()


if __name__ == "__main__":
    main()
