/**
 * What an operator can do about a quorum queue that takes and delivers no messages. If RabbitMQ 3.10 is killed a moment after
 * a queue was declared, it knows the queue after its restart, but never runs it.
 */
export const QUEUE_REMEDY =
  'Look at it with: rabbitmq-queues quorum_status QUEUE (-p for a virtual host). If it has no leader, restart RabbitMQ. If ' +
  'that does not help, remove it with: rabbitmqctl delete_queue QUEUE, which loses what is in it; it is declared anew by ' +
  'itself.';
