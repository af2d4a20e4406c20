"""Celery as its documentation has it: a task, late acks, prefork (threads for a model that is waited for)."""

import datetime
import hashlib
import os

import redis
from celery import Celery, bootsteps
from celery.worker.consumer.tasks import Tasks
from kombu import Producer, Queue
from kombu.common import QoS

app = Celery("healify", broker=os.environ["RABBITMQ_URL"])
app.conf.update(
    task_queues=[Queue("chat_requests", queue_arguments={"x-queue-type": "quorum"}, no_declare=True)],
    task_default_queue="chat_requests",
    task_create_missing_queues=False,
    task_acks_late=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=int(os.environ["CELERY_PREFETCH"]),
    worker_send_task_events=False,
    broker_transport_options={"confirm_publish": True},
)


class PerConsumerPrefetch(bootsteps.StartStopStep):
    """Quorum queues take no prefetch that counts for a whole channel, which Celery 5.2 asks for."""

    requires = (Tasks,)

    def start(self, parent):
        consumer = parent.task_consumer
        parent.qos = QoS(lambda prefetch_count: consumer.qos(prefetch_count=prefetch_count, apply_global=False),
                         parent.initial_prefetch_count)
        parent.connection.default_channel.basic_qos(0, parent.initial_prefetch_count, False)


app.steps["consumer"].add(PerConsumerPrefetch)
cache = redis.Redis.from_url(os.environ["REDIS_URL"])
model_url = os.environ.get("MODEL_URL")
if model_url:
    import requests

    http = requests.Session()
    http.mount("http://", requests.adapters.HTTPAdapter(pool_connections=1, pool_maxsize=1000))


def ask_model(message):
    if not model_url:
        return f"Answer to: {message}"
    messages = [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": message},
    ]
    reply = http.post(f"{model_url}/chat/completions", json={"model": "simulator", "messages": messages}, timeout=60)
    reply.raise_for_status()
    return reply.json()["choices"][0]["message"]["content"]


@app.task(name="chat", autoretry_for=(Exception,), retry_backoff=True, max_retries=5)
def chat(request):
    message = request["message"]
    key = "answer:" + hashlib.sha256(message.encode()).hexdigest()
    kept = cache.get(key)
    if kept is None:
        answer = ask_model(message)
        cache.set(key, answer, ex=3600)
    else:
        answer = kept.decode()
    response = {
        "requestId": request["requestId"],
        "sessionId": request["sessionId"],
        "userId": request["userId"],
        "status": "completed",
        "response": answer,
        "completedAt": datetime.datetime.now(datetime.timezone.utc).isoformat(),
    }
    with app.producer_pool.acquire(block=True) as producer:
        producer.publish(response, routing_key="chat_responses", serializer="json", delivery_mode=2, retry=True)
