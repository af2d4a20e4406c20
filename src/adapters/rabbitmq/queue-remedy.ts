/**
 * What to do about a quorum queue that takes and gives nothing. RabbitMQ 3.10 leaves one behind for good when it is killed
 * within moments after the queue was declared: it knows the queue, and never starts it again.
 */
export const QUEUE_REMEDY =
  'Look at it with: rabbitmq-queues quorum_status QUEUE (-p for a virtual host). If it has no leader, restart RabbitMQ. If ' +
  'that does not help, remove it with: rabbitmqctl delete_queue QUEUE, which loses what is in it; it is declared anew by ' +
  'itself.';
