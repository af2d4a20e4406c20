"""A worker of your own: answers questions in place of healify-chat's worker, and signs its answers.

    pip install -r requirements.txt
    RABBITMQ_URL=amqp://user:password@localhost:5672 MESSAGE_SIGNING_KEY=... python worker.py

MESSAGE_SIGNING_KEY must be the one of the api. The api keeps the first answer to a question, and drops later ones.
"""

import hashlib
import hmac
import json
import os
from datetime import datetime, timezone

import pika

# The first of several keys signs.
KEY = os.environ["MESSAGE_SIGNING_KEY"].split(",")[0].strip()


def signature(body: bytes) -> str:
    return "v1=" + hmac.new(KEY.encode(), b"chat_responses\n" + body, hashlib.sha256).hexdigest()


def answer_to(question):
    """Ask your model here."""
    return f"You asked: {question}"


def on_request(channel, method, properties, body):
    request = json.loads(body)
    response = {
        "requestId": request["requestId"],
        "sessionId": request["sessionId"],
        "userId": request["userId"],
        "status": "completed",
        "response": answer_to(request["message"]),
        "finishReason": "stop",
        "attempts": 1,
        "timings": {"waitMs": 0, "modelMs": 0, "totalMs": 0},
        "completedAt": datetime.now(timezone.utc).isoformat(),
    }
    encoded = json.dumps(response).encode()
    channel.basic_publish(
        exchange="",
        routing_key="chat_responses",
        properties=pika.BasicProperties(
            content_type="application/json",
            delivery_mode=pika.DeliveryMode.Persistent,
            message_id=request["requestId"],
            correlation_id=request["sessionId"],
            headers={"x-healify-signature": signature(encoded)},
        ),
        body=encoded,
        mandatory=True,
    )
    # With confirms, basic_publish waits until RabbitMQ has the answer. Only then the question may be acknowledged.
    channel.basic_ack(method.delivery_tag)


def main():
    connection = pika.BlockingConnection(pika.URLParameters(os.environ["RABBITMQ_URL"]))
    channel = connection.channel()
    channel.confirm_delivery()
    channel.basic_qos(prefetch_count=10)
    channel.basic_consume("chat_requests", on_request)
    print("answering", flush=True)
    channel.start_consuming()


if __name__ == "__main__":
    main()
