import type { Board } from './builders/board.ts';
import { lines, numbers } from './builders/panels.ts';
import { increaseBy, maxBy, orZero, rateOf, series } from './builders/promql.ts';
import { standingLetters } from './builders/shared-panels.ts';

const letters = 'queue=~".+[.]dlq"';
const redis = 'job="redis"';
const limit = `(${series('redis_memory_max_bytes', redis)} > 0 or ${series('redis_total_system_memory_bytes', redis)})`;
const inMinutes = '10m';

export const brokersAndStores: Board = {
  name: 'brokers-and-stores',
  title: 'Healify: brokers and stores',
  about: 'RabbitMQ, Redis and MongoDB: queues, dead letters, connections, memory, disk.',
  lookBack: '1h',
  rows: [
    {
      title: 'Are they there?',
      panels: [
        numbers({
          title: 'RabbitMQ nodes',
          about: 'Nodes of RabbitMQ that answer Prometheus. Half of them or fewer cannot work.',
          unit: 'short',
          queries: [['nodes', orZero(`sum(${series('up', 'job="rabbitmq"')})`)]],
          steps: [['red'], ['green', 1]],
          runbooks: ['HealifyRabbitMqDown', 'HealifyRabbitMqQuorum'],
        }),
        numbers({
          title: 'Alarms of RabbitMQ',
          about: 'Too little memory, disk or file descriptors. While there is one, RabbitMQ accepts no messages.',
          queries: [
            ['memory', `max(${series('rabbitmq_alarms_memory_used_watermark')})`],
            ['disk', `max(${series('rabbitmq_alarms_free_disk_space_watermark')})`],
            ['file descriptors', `max(${series('rabbitmq_alarms_file_descriptor_limit')})`],
          ],
          meanings: [
            [0, 'fine', 'green'],
            [1, 'ALARM', 'red'],
          ],
          named: true,
          runbooks: ['HealifyRabbitMqAlarm'],
          width: 8,
        }),
        numbers({
          title: 'Redis',
          about: 'Whether Redis answers its exporter.',
          queries: [['redis', `max(${series('redis_up', redis)})`]],
          meanings: [
            [0, 'DOWN', 'red'],
            [1, 'up', 'green'],
          ],
          runbooks: ['HealifyRedisDown', 'HealifyMonitoringMissing'],
        }),
        numbers({
          title: 'MongoDB',
          about: 'Whether an api reaches a MongoDB that can be written to. Empty where history is in Redis.',
          queries: [['mongodb', `max(${series('healify_connection_up', 'server="mongodb"')})`]],
          meanings: [
            [0, 'DOWN', 'red'],
            [1, 'up', 'green'],
          ],
          runbooks: ['HealifyMongoDbDown'],
        }),
        numbers({
          title: 'Persistence of Redis',
          about:
            'Whether Redis writes all changes to disk (append-only file), and whether its latest writes went well.',
          queries: [
            ['on', `min(${series('redis_aof_enabled', redis)})`],
            ['last write', `min(${series('redis_aof_last_write_status', redis)})`],
            ['last rewrite', `min(${series('redis_aof_last_bgrewrite_status', redis)})`],
          ],
          meanings: [
            [0, 'NO', 'red'],
            [1, 'yes', 'green'],
          ],
          named: true,
          runbooks: ['HealifyRedisPersistence'],
          width: 8,
        }),
      ],
    },
    {
      title: 'Queues of RabbitMQ',
      panels: [
        lines({
          title: 'Messages that wait',
          about: 'Messages in each queue that are ready to be delivered.',
          unit: 'short',
          queries: [['{{queue}}', 'healify:broker_queue_messages:max{queue!~".+[.]dlq"}']],
          runbooks: ['HealifyQueueDepth'],
        }),
        lines({
          title: 'Consumers',
          about:
            'Who takes messages from each queue. A worker that has enough jobs does not, and then it is no consumer.',
          unit: 'short',
          queries: [['{{queue}}', maxBy('queue', 'healify_broker_queue_consumers', 'queue!~".+[.]dlq"')]],
          runbooks: ['HealifyNoConsumers'],
        }),
        lines({
          title: 'Messages of a newer version',
          about: `Messages that were given back to their queue in the last ${inMinutes}, because only a newer version can read them. They come with an upgrade, and end with it.`,
          unit: 'short',
          queries: [['{{queue}}', increaseBy('queue', 'healify_newer_messages_total', inMinutes)]],
        }),
        lines({
          title: 'Not empty for',
          about: 'For how long a queue has not been empty. Its oldest message is at most that old.',
          unit: 's',
          queries: [['{{queue}}', maxBy('queue', 'healify_broker_queue_not_empty_seconds', 'queue!~".+[.]dlq"')]],
          runbooks: ['HealifyOldestMessage'],
        }),
      ],
    },
    {
      title: 'Dead letters',
      panels: [
        lines({
          title: 'Dead letters that arrive',
          about: `Messages that became dead letters in the last ${inMinutes}, by reason.`,
          unit: 'short',
          queries: [['{{reason}} ({{queue}})', increaseBy('queue, reason', 'healify_dead_letters_total', inMinutes)]],
          runbooks: ['HealifyDeadLettersArriving', 'HealifyForgedMessages'],
        }),
        standingLetters(8),
        lines({
          title: 'Age of the oldest dead letter',
          about: 'For how long a dead-letter queue has not been empty.',
          unit: 's',
          queries: [['{{queue}}', maxBy('queue', 'healify_broker_queue_not_empty_seconds', letters)]],
          runbooks: ['HealifyDeadLettersStanding'],
        }),
        lines({
          title: 'Time until dead letters are removed',
          about: 'In how long the oldest dead letter of a queue is removed, because DEAD_LETTER_RETENTION has passed.',
          unit: 's',
          queries: [['{{queue}}', `min by (queue) (${series('healify_dead_letters_expire_seconds')})`]],
          runbooks: ['HealifyDeadLettersExpire'],
        }),
      ],
    },
    {
      title: 'Retention',
      panels: [
        lines({
          title: 'What was removed because it was too old',
          about: `How much was removed in the last ${inMinutes}. docs/retention.md says what each sweep is.`,
          unit: 'short',
          queries: [
            ['{{sweep}}', increaseBy('sweep', 'healify_swept_total', inMinutes)],
            ['{{reason}} ({{queue}})', increaseBy('queue, reason', 'healify_dead_letters_expired_total', inMinutes)],
          ],
          runbooks: ['HealifyRetentionLate'],
        }),
        lines({
          title: 'Time since the last sweep',
          about: 'How long ago something that is too old was last looked for, and removed without an error.',
          unit: 's',
          queries: [['{{sweep}}', maxBy('sweep', 'healify_sweep_age_seconds')]],
          runbooks: ['HealifyRetentionLate'],
        }),
      ],
    },
    {
      title: 'Audit trail',
      panels: [
        lines({
          title: 'Entries of the audit trail',
          about: `Entries that were written in the last ${inMinutes}, by action; and those that wait for their store, or are lost.`,
          unit: 'short',
          queries: [
            ['{{action}}', increaseBy('action', 'healify_audit_entries_total', inMinutes)],
            ['waiting at {{instance}}', series('healify_audit_entries_waiting')],
            ['lost: {{action}}', increaseBy('action', 'healify_audit_entries_lost_total', inMinutes)],
          ],
          runbooks: ['HealifyAuditTrailWaiting', 'HealifyAuditTrailLost'],
        }),
        lines({
          title: 'Emergency access to texts',
          about: `How often somebody without the right to read texts has taken access to them in the last ${inMinutes}.`,
          unit: 'short',
          queries: [['taken', increaseBy('', 'healify_emergency_text_access_total', inMinutes)]],
          runbooks: ['HealifyEmergencyTextAccess'],
        }),
      ],
    },
    {
      title: 'Connections',
      panels: [
        lines({
          title: 'Connections of our processes',
          about: '1 while the connection stands. A line that is at 0 names the process and the server.',
          unit: 'short',
          queries: [['{{process}} {{instance}} {{server}}', series('healify_connection_up')]],
          runbooks: ['HealifyConnectionDown'],
        }),
        lines({
          title: 'Reconnects',
          about: `How often connections came back in the last ${inMinutes}. A few after a restart are normal.`,
          unit: 'short',
          queries: [['{{server}}', increaseBy('server', 'healify_reconnects_total', inMinutes)]],
          runbooks: ['HealifyReconnectStorm'],
        }),
        lines({
          title: 'Connections and channels of RabbitMQ',
          about: 'All that RabbitMQ has, also those of other programs.',
          unit: 'short',
          queries: [
            ['connections', `sum(${series('rabbitmq_connections')})`],
            ['channels', `sum(${series('rabbitmq_channels')})`],
            ['opened in 10 minutes', `sum(increase(${series('rabbitmq_connections_opened_total')}[${inMinutes}]))`],
          ],
          runbooks: ['HealifyReconnectStorm'],
        }),
      ],
    },
    {
      title: 'RabbitMQ',
      panels: [
        lines({
          title: 'Memory of RabbitMQ',
          about: 'What a node uses of the memory at which it raises an alarm and accepts no more messages.',
          unit: 'percentunit',
          queries: [
            [
              '{{instance}}',
              `${series('rabbitmq_process_resident_memory_bytes')} / ${series('rabbitmq_resident_memory_limit_bytes')}`,
            ],
          ],
          steps: [['green'], ['red', 1]],
          runbooks: ['HealifyRabbitMqAlarm'],
        }),
        lines({
          title: 'Free disk of RabbitMQ',
          about: 'Below the limit, a node raises an alarm and accepts no more messages.',
          unit: 'bytes',
          queries: [
            ['free at {{instance}}', series('rabbitmq_disk_space_available_bytes')],
            ['limit of {{instance}}', series('rabbitmq_disk_space_available_limit_bytes')],
          ],
          runbooks: ['HealifyRabbitMqAlarm'],
        }),
        lines({
          title: 'Messages in RabbitMQ',
          about: 'All messages of all its queues: those that wait, and those that a consumer has not acknowledged yet.',
          unit: 'short',
          queries: [
            ['waiting', `sum(${series('rabbitmq_queue_messages_ready')})`],
            ['not acknowledged', `sum(${series('rabbitmq_queue_messages_unacked')})`],
          ],
        }),
      ],
    },
    {
      title: 'MongoDB, where history is kept in it',
      panels: [
        lines({
          title: 'Time of MongoDB’s commands',
          about: 'How long a command takes on average, as the apis see it.',
          unit: 's',
          queries: [
            [
              '{{command}}',
              `sum by (command) (rate(${series('healify_mongodb_command_seconds_sum')}[$__rate_interval])) / sum by (command) (rate(${series('healify_mongodb_command_seconds_count')}[$__rate_interval]))`,
            ],
          ],
          steps: [['green'], ['red', 0.5]],
          runbooks: ['HealifyMongoDbSlow'],
        }),
        lines({
          title: 'Commands of MongoDB',
          about: 'Commands of the apis in a second.',
          unit: 'ops',
          queries: [
            [
              '{{command}}',
              `sum by (command) (rate(${series('healify_mongodb_command_seconds_count')}[$__rate_interval]))`,
            ],
          ],
        }),
        lines({
          title: 'Commands that MongoDB has failed',
          about: `Commands that failed in the last ${inMinutes}, as a whole or in part. A few in a failover are normal.`,
          unit: 'short',
          queries: [
            [
              '{{command}}',
              increaseBy('command', 'healify_mongodb_command_seconds_count', inMinutes, 'result="failed"'),
            ],
          ],
          runbooks: ['HealifyMongoDbErrors'],
        }),
      ],
    },
    {
      title: 'Redis',
      panels: [
        lines({
          title: 'Memory of Redis',
          about:
            'What Redis uses of maxmemory, or of the machine if maxmemory is not set. When it is full, it refuses to write.',
          unit: 'percentunit',
          queries: [['{{instance}}', `${series('redis_memory_used_bytes', redis)} / ${limit}`]],
          steps: [['green'], ['red', 0.8]],
          runbooks: ['HealifyRedisMemory'],
        }),
        lines({
          title: 'Commands of Redis',
          about: 'Commands that Redis executes in a second, those of scripts included.',
          unit: 'ops',
          queries: [['{{instance}}', rateOf('redis_commands_processed_total', redis)]],
        }),
        lines({
          title: 'Keys that Redis has thrown away',
          about: `Keys in the last ${inMinutes}. It must stay 0: they may be jobs or sessions.`,
          unit: 'short',
          queries: [['{{instance}}', `increase(${series('redis_evicted_keys_total', redis)}[${inMinutes}])`]],
          runbooks: ['HealifyRedisEviction'],
        }),
        lines({
          title: 'Clients of Redis',
          about: 'Connections to Redis, and clients that wait in a blocking command.',
          unit: 'short',
          queries: [
            ['connected to {{instance}}', series('redis_connected_clients', redis)],
            ['blocked', series('redis_blocked_clients', redis)],
          ],
        }),
        lines({
          title: 'Replicas of Redis',
          about: 'How many replicas are connected. An outage of Redis without one loses what was not on disk.',
          unit: 'short',
          queries: [['{{instance}}', series('redis_connected_slaves', redis)]],
          runbooks: ['HealifyRedisReplication'],
        }),
        lines({
          title: 'Network of Redis',
          about: 'Bytes that Redis receives and sends in a second.',
          unit: 'Bps',
          queries: [
            ['received', rateOf('redis_net_input_bytes_total', redis)],
            ['sent', rateOf('redis_net_output_bytes_total', redis)],
          ],
        }),
      ],
    },
  ],
};
