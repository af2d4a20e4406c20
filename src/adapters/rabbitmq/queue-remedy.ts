/**
 * What an operator can do about a quorum queue that neither takes nor delivers messages. If RabbitMQ 3.10 is killed
 * just after a queue was declared, then after its restart it knows the queue but never runs it.
 */
export const QUEUE_REMEDY =
  'Inspect it with: rabbitmq-queues quorum_status QUEUE (-p for a virtual host). If it has no leader, restart RabbitMQ. If ' +
  'that does not help, remove it with: rabbitmqctl delete_queue QUEUE, which loses its messages. It is declared again by ' +
  'itself.';
