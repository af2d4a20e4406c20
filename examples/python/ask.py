"""Asks a question over RabbitMQ and waits for its answer.

    pip install -r requirements.txt
    RABBITMQ_URL=amqp://user:password@localhost:5672 python ask.py "What are healthy eating habits?"

The answer comes back on the channel that asked (amq.rabbitmq.reply-to). It is found by its correlation_id.
"""

import json
import os
import sys
import uuid

import pika

TIMEOUT_SECONDS = 60


def ask(channel, question, user_id):
    """Returns the answer as a dict: status, response, error and more (see docs/schemas/chat-response.json)."""
    correlation_id = str(uuid.uuid4())
    channel.basic_publish(
        exchange="",
        routing_key="chat_requests",
        properties=pika.BasicProperties(
            content_type="application/json",
            delivery_mode=pika.DeliveryMode.Persistent,
            reply_to="amq.rabbitmq.reply-to",
            correlation_id=correlation_id,
        ),
        body=json.dumps({"sessionId": str(uuid.uuid4()), "userId": user_id, "message": question}),
    )
    for method, properties, body in channel.consume(
        "amq.rabbitmq.reply-to", auto_ack=True, inactivity_timeout=TIMEOUT_SECONDS
    ):
        if method is None:
            raise TimeoutError(f"no answer within {TIMEOUT_SECONDS} seconds")
        if properties.correlation_id == correlation_id:
            return json.loads(body)


def main():
    if not sys.argv[1:]:
        sys.exit('Usage: python ask.py "a question"')
    connection = pika.BlockingConnection(pika.URLParameters(os.environ["RABBITMQ_URL"]))
    channel = connection.channel()
    # This channel must consume replies before it publishes the question. Otherwise RabbitMQ refuses reply_to.
    next(channel.consume("amq.rabbitmq.reply-to", auto_ack=True, inactivity_timeout=0))
    answer = ask(channel, " ".join(sys.argv[1:]), user_id="python-example")
    connection.close()
    if answer["status"] != "completed":
        sys.exit(f"{answer['status']}: {answer['error']}")
    print(answer["response"])


if __name__ == "__main__":
    main()
