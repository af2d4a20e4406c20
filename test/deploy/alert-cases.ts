/** What Prometheus has seen, by series, in promtool's notation: `5+1x3` is 5, 6, 7, 8; `_x3` is three times nothing. */
export interface Case {
  series: Record<string, string>;
  /** When to look. */
  at: string;
  /** Between two values of a series; 1m if absent. */
  interval?: string;
  /** Labels that the alert has. */
  labels?: string;
}

interface AlertCases {
  fires: Record<string, Case>;
  silent: Record<string, Case>;
}

const questions = 'healify_broker_queue_messages{queue="chat_requests",process="api"}';
const letters = 'healify_broker_queue_messages{queue="chat_requests.dlq",process="api"}';
const counted = 'healify_dead_letters_total{queue="chat_requests",reason="invalid_json",instance="w"}';
const forged = (queue: string, reason: string) =>
  `healify_dead_letters_total{queue="${queue}",reason="${reason}",instance="a"}`;
const expires = (api: string) => `healify_dead_letters_expire_seconds{queue="chat_requests.dlq",instance="${api}"}`;
const swept = (sweep: string) => `healify_sweep_age_seconds{sweep="${sweep}",instance="a"}`;
const consumers = 'healify_broker_queue_consumers{queue="chat_requests",process="api"}';
const workers = (state: string) => `healify_processes{role="worker",version="1",state="${state}",instance="a"}`;
const oldestJob = 'healify_jobs_first_age_seconds{state="prioritized"}';
const cost = 'healify_model_cost_dollars_total{provider="openai",model="m"}';
const tokens = 'gen_ai_client_token_usage_sum{gen_ai_provider_name="openai"}';
const connection = 'healify_connection_up{process="worker",server="redis",instance="w"}';
const certificate =
  'healify_certificate_expiry_timestamp_seconds{process="worker",setting="TLS_CERT_FILE",instance="w"}';
const mongoDb = (api: string) => `healify_connection_up{process="api",server="mongodb",instance="${api}"}`;
const commands = (command: string, result: string, api = 'a') =>
  `healify_mongodb_command_seconds_count{command="${command}",result="${result}",instance="${api}"}`;
const seconds = (command: string) =>
  `healify_mongodb_command_seconds_sum{command="${command}",result="ok",instance="a"}`;
const ended = (status: string) => `healify_answer_seconds_count{status="${status}",cached="false"}`;
const inTime = (le: string) => `healify_answer_seconds_bucket{status="completed",cached="false",le="${le}"}`;
const redis = (name: string, labels = '') => `redis_${name}{job="redis",instance="redis-exporter:9121"${labels}}`;
const rabbitMq = (name: string, node = 'a') => `${name}{job="rabbitmq",instance="${node}:15692"}`;

/** `answered` of `asked` questions each minute are answered within the 60 s, the others fail. */
const traffic = (asked: number, answered: number, minutes: number, le = '60') => ({
  [inTime(le)]: `0+${answered}x${minutes}`,
  [ended('completed')]: `0+${answered}x${minutes}`,
  [ended('failed')]: `0+${asked - answered}x${minutes}`,
});

export const alertCases: Record<string, AlertCases> = {
  HealifyQueueDepth: {
    fires: {
      'more than 1,000 messages wait for two minutes': { series: { [questions]: '1500x10' }, at: '5m' },
      'several processes show it': {
        series: { [questions]: '1500x10', [questions.replace('api', 'worker')]: '1500x10' },
        at: '5m',
        labels: 'queue="chat_requests"',
      },
    },
    silent: {
      'two processes show 600 messages each, which are the same': {
        series: { [questions]: '600x10', [questions.replace('api', 'worker')]: '600x10' },
        at: '5m',
      },
      'a burst is worked off within two minutes': { series: { [questions]: '0 5000 100 0x10' }, at: '2m' },
      'dead letters are many': { series: { [letters]: '5000x10' }, at: '5m' },
      'RabbitMQ cannot be read': { series: { [questions]: '_x10' }, at: '5m' },
    },
  },
  HealifyQueueGrowth: {
    fires: { 'more wait each minute': { series: { healify_requests_waiting: '0+60x60' }, at: '40m' } },
    silent: {
      'many wait, and as many as before': { series: { healify_requests_waiting: '900x60' }, at: '40m' },
      'few wait': { series: { healify_requests_waiting: '0+3x60' }, at: '40m' },
      'they are worked off': { series: { healify_requests_waiting: '6000-60x60' }, at: '40m' },
    },
  },
  HealifyOldestQuestion: {
    fires: {
      'a question is older than five minutes': {
        series: { healify_oldest_open_question_age_seconds: '0+60x20' },
        at: '10m',
      },
    },
    silent: {
      'each is answered within five minutes': {
        series: { healify_oldest_open_question_age_seconds: '290x20' },
        at: '10m',
      },
      'there is none': { series: { healify_oldest_open_question_age_seconds: '0x20' }, at: '10m' },
    },
  },
  HealifyOldestMessage: {
    fires: {
      'a queue is not empty for more than ten minutes': {
        series: { 'healify_broker_queue_not_empty_seconds{queue="chat_responses"}': '0+60x20' },
        at: '12m',
      },
    },
    silent: {
      'it empties now and then': {
        series: { 'healify_broker_queue_not_empty_seconds{queue="chat_responses"}': '0+60x9 0+60x9' },
        at: '18m',
      },
      'dead letters stand': {
        series: { 'healify_broker_queue_not_empty_seconds{queue="chat_responses.dlq"}': '0+60x20' },
        at: '18m',
      },
    },
  },
  HealifyOldestJob: {
    fires: { 'a job waits for a worker for more than five minutes': { series: { [oldestJob]: '0+60x20' }, at: '10m' } },
    silent: {
      'each job is taken in time': { series: { [oldestJob]: '120x20' }, at: '10m' },
      'a retry is far away': { series: { 'healify_jobs_first_age_seconds{state="delayed"}': '900x20' }, at: '10m' },
    },
  },
  HealifyJobsPaused: {
    fires: {
      'the queue stays paused': {
        series: { 'healify_jobs_paused{queue="chat"}': '1x20' },
        at: '10m',
        labels: 'queue="chat"',
      },
      'one of several queues stays paused': {
        series: { 'healify_jobs_paused{queue="chat-0"}': '0x20', 'healify_jobs_paused{queue="chat-1"}': '1x20' },
        at: '10m',
        labels: 'queue="chat-1"',
      },
    },
    silent: {
      'it is resumed after three minutes': {
        series: { 'healify_jobs_paused{queue="chat"}': '0 1 1 1 0x20' },
        at: '5m',
      },
    },
  },
  HealifyIntakePaused: {
    fires: {
      'nobody resumes it': {
        series: { 'healify_intake_paused_by_operator{queue="chat_requests"}': '1x30' },
        at: '20m',
      },
    },
    silent: {
      'it is resumed after ten minutes': {
        series: { 'healify_intake_paused_by_operator{queue="chat_requests"}': '0 1x10 0x30' },
        at: '20m',
      },
      'workers pause because enough jobs wait': { series: { healify_intake_paused: '1x30' }, at: '20m' },
    },
  },
  HealifyDeadLettersArriving: {
    fires: {
      'a first letter is counted': { series: { [counted]: '_x5 1x10' }, at: '8m', labels: 'queue="chat_requests.dlq"' },
      'more are counted': { series: { [counted]: '7x10 9x10' }, at: '15m' },
      'RabbitMQ moves letters there itself': { series: { [letters]: '0x10 1x10' }, at: '14m' },
      'a letter comes while others are sent back': {
        series: { [counted]: '7x10 8x10', [letters]: '50-1x20' },
        at: '14m',
      },
    },
    silent: {
      'old letters stand': { series: { [counted]: '9x30', [letters]: '9x30' }, at: '25m' },
      'letters are sent back': { series: { [letters]: '50-1x30' }, at: '25m' },
      'questions arrive': { series: { [questions]: '0+5x30' }, at: '25m' },
    },
  },
  HealifyDeadLettersStanding: {
    fires: { 'a letter stands for an hour': { series: { [letters]: '1x90' }, at: '70m' } },
    silent: {
      'it is removed within the hour': { series: { [letters]: '1x50 0x40' }, at: '70m' },
      'a question waits': { series: { [questions]: '1x90' }, at: '70m' },
    },
  },
  HealifyDeadLettersExpire: {
    fires: {
      'the oldest goes in less than a week': {
        series: { [expires('a')]: '605000-60x30', [expires('b')]: '605000-60x30' },
        at: '10m',
        labels: 'queue="chat_requests.dlq",severity="warning"',
      },
      'it is due': { series: { [expires('a')]: '100-60x30' }, at: '10m' },
    },
    silent: {
      'there is more time': { series: { [expires('a')]: '700000-60x30' }, at: '10m' },
      'the letters were sent back in time': { series: { [expires('a')]: '605000-60x4 2500000x30' }, at: '10m' },
    },
  },
  HealifyRetentionLate: {
    fires: {
      'a sweep was not made for an hour': {
        series: { [swept('failed_jobs')]: '0+60x90', [swept('job_search')]: '30x90' },
        at: '70m',
        labels: 'sweep="failed_jobs"',
      },
    },
    silent: {
      'sweeps are made each minute': { series: { [swept('failed_jobs')]: '0 60x90' }, at: '70m' },
      'one has failed for half an hour': { series: { [swept('failed_jobs')]: '0+60x30 0x60' }, at: '32m' },
    },
  },
  HealifyForgedMessages: {
    fires: {
      'a first answer without a valid signature is counted': {
        series: { [forged('chat_responses', 'invalid_signature')]: '_x5 1x10' },
        at: '8m',
        labels: 'queue="chat_responses",reason="invalid_signature",severity="critical"',
      },
      'more such answers come': {
        series: { [forged('chat_responses', 'invalid_signature')]: '7x10 9x10' },
        at: '15m',
      },
      'a publisher asks for somebody for whom it may not ask': {
        series: { [forged('chat_requests', 'publisher_not_allowed')]: '0x5 1x20' },
        at: '8m',
        labels: 'queue="chat_requests"',
      },
    },
    silent: {
      'they have come long ago': {
        series: { [forged('chat_responses', 'invalid_signature')]: '9x30' },
        at: '25m',
      },
      'messages are unreadable': { series: { [counted]: '0+5x30' }, at: '25m' },
    },
  },
  HealifyEmergencyTextAccess: {
    fires: { 'somebody takes access': { series: { healify_emergency_text_access_total: '0x5 1x20' }, at: '8m' } },
    silent: {
      'nobody ever has': { series: { healify_emergency_text_access_total: '0x30' }, at: '20m' },
      'somebody has long ago': { series: { healify_emergency_text_access_total: '0x5 1x60' }, at: '50m' },
    },
  },
  HealifyAuditTrailWaiting: {
    fires: { 'entries wait for six minutes': { series: { healify_audit_entries_waiting: '0x3 7x10' }, at: '10m' } },
    silent: {
      'they are written soon': { series: { healify_audit_entries_waiting: '0x3 7x2 0x20' }, at: '10m' },
      'none wait': { series: { healify_audit_entries_waiting: '0x20' }, at: '15m' },
    },
  },
  HealifyAuditTrailLost: {
    fires: {
      'a first entry is lost': { series: { 'healify_audit_entries_lost_total{action="login"}': '_x5 1x20' }, at: '8m' },
      'more are lost': { series: { 'healify_audit_entries_lost_total{action="login"}': '3x20 9x20' }, at: '25m' },
    },
    silent: {
      'some were lost long ago': {
        series: { 'healify_audit_entries_lost_total{action="login"}': '3x60' },
        at: '50m',
      },
    },
  },
  HealifyQuestionsLost: {
    fires: { 'a question is lost': { series: { healify_questions_lost_total: '0x5 1x20' }, at: '10m' } },
    silent: {
      'one was lost long ago': { series: { healify_questions_lost_total: '0x5 1x40' }, at: '40m' },
      'none is lost': { series: { healify_questions_lost_total: '0x40' }, at: '40m' },
    },
  },
  HealifyErrorBudgetBurn: {
    fires: {
      'a fifth fails for an hour': { series: traffic(10, 8, 70), at: '65m', labels: 'speed="fast"' },
      'a fifth fails, as Prometheus 3 writes the buckets': {
        series: traffic(10, 8, 70, '60.0'),
        at: '65m',
        labels: 'speed="fast"',
      },
      'every question fails, and none was ever answered': {
        series: { [ended('failed')]: '0+5x70' },
        at: '65m',
        labels: 'speed="fast"',
      },
      'a fifth is answered, but late': {
        series: { [inTime('60')]: '0+8x70', [ended('completed')]: '0+10x70' },
        at: '65m',
        labels: 'speed="fast"',
      },
      'a tenth fails for six hours': { series: traffic(10, 9, 400), at: '370m', labels: 'speed="medium"' },
      'one of fifty fails for three days': {
        series: traffic(50, 49, 1000),
        at: '79h',
        interval: '5m',
        labels: 'speed="slow"',
      },
    },
    silent: {
      'there is no traffic': { series: traffic(0, 0, 400), at: '370m' },
      'there are no series at all': { series: {}, at: '370m' },
      'one of two nightly questions fails': {
        series: {
          [inTime('60')]: '0x10 1x400',
          [ended('completed')]: '0x10 1x400',
          [ended('failed')]: '0x10 1x400',
        },
        at: '30m',
      },
      'one of a thousand fails': { series: traffic(1000, 999, 1000), at: '79h', interval: '5m' },
      'users cancel': {
        series: { ...traffic(10, 10, 70), [ended('cancelled')]: '0+10x70' },
        at: '65m',
      },
      'everything failed until ten minutes ago': {
        series: {
          [inTime('60')]: '0x50 0+10x30',
          [ended('completed')]: '0x50 0+10x30',
          [ended('failed')]: '0+10x50 500x30',
        },
        at: '62m',
        labels: 'speed="fast"',
      },
    },
  },
  HealifyProviderBroken: {
    fires: {
      'the key is refused': {
        series: { 'healify_model_provider_broken{provider="openai",model="m",cause="key"}': '1x10' },
        at: '3m',
        labels: 'cause="key"',
      },
    },
    silent: {
      'nothing is wrong': {
        series: { 'healify_model_provider_broken{provider="openai",model="m",cause="key"}': '0x10' },
        at: '3m',
      },
    },
  },
  HealifyProviderShut: {
    fires: {
      'the gate stays shut': { series: { 'healify_gate_state{provider="openai",model="m"}': '2x10' }, at: '7m' },
    },
    silent: {
      'it closes after a minute': {
        series: { 'healify_gate_state{provider="openai",model="m"}': '0 2 1 0x10' },
        at: '7m',
      },
    },
  },
  HealifyCostSpike: {
    fires: { 'an hour costs ten times the usual': { series: { [cost]: '0+1x20 30+10x4' }, at: '23h', interval: '1h' } },
    silent: {
      'every hour costs as much': { series: { [cost]: '0+10x30' }, at: '23h', interval: '1h' },
      'a spike costs cents': { series: { [cost]: '0+0.01x20 1+0.1x4' }, at: '23h', interval: '1h' },
    },
  },
  HealifyTokenSpike: {
    fires: {
      'an hour takes ten times the usual': {
        series: { [tokens]: '0+1000000x20 30000000+10000000x4' },
        at: '23h',
        interval: '1h',
      },
    },
    silent: {
      'every hour takes as many': { series: { [tokens]: '0+10000000x30' }, at: '23h', interval: '1h' },
      'a spike takes few': { series: { [tokens]: '0+1000x20 30000+10000x4' }, at: '23h', interval: '1h' },
    },
  },
  HealifyUncertainSpend: {
    fires: {
      'calls are given up': {
        series: { 'healify_uncertain_spend_total{why="aborted",instance="w"}': '0+2x30' },
        at: '25m',
      },
      'a new worker counts many': {
        series: { 'healify_uncertain_spend_total{why="crashed",instance="w"}': '_x10 30x10' },
        at: '15m',
      },
    },
    silent: {
      'a few are given up': {
        series: { 'healify_uncertain_spend_total{why="aborted",instance="w"}': '0x10 10x20' },
        at: '25m',
      },
      'many were given up yesterday': {
        series: { 'healify_uncertain_spend_total{why="aborted",instance="w"}': '500x60' },
        at: '50m',
      },
    },
  },
  HealifyApiMissing: {
    fires: {
      'no api answers': { series: { 'up{job="healify-api",instance="a"}': '1x3 0x10' }, at: '8m' },
      'no api is known': { series: {}, at: '8m' },
    },
    silent: {
      'one of two answers': {
        series: { 'up{job="healify-api",instance="a"}': '0x10', 'up{job="healify-api",instance="b"}': '1x10' },
        at: '8m',
      },
    },
  },
  HealifyWorkerMissing: {
    fires: {
      'no worker answers': { series: { 'up{job="healify-worker",instance="a"}': '1x3 0x10' }, at: '8m' },
      'no worker is known': { series: { 'up{job="healify-api",instance="a"}': '1x10' }, at: '8m' },
    },
    silent: {
      'one of two answers': {
        series: { 'up{job="healify-worker",instance="a"}': '0x10', 'up{job="healify-worker",instance="b"}': '1x10' },
        at: '8m',
      },
    },
  },
  HealifyProcessMissing: {
    fires: {
      'one of three workers has died': {
        series: { [workers('alive')]: '3x5 2x20', [workers('missing')]: '_x5 1x10 _x10' },
        at: '8m',
        labels: 'role="worker"',
      },
      'it has not come back when it is listed no more': {
        series: { [workers('alive')]: '3x5 2x30', [workers('missing')]: '_x5 1x10 _x20' },
        at: '25m',
      },
    },
    silent: {
      'another has taken its place': {
        series: { [workers('alive')]: '3x5 2 3x20', [workers('missing')]: '_x5 1x10 _x10' },
        at: '10m',
      },
      'one of three was stopped': { series: { [workers('alive')]: '3x5 2x20' }, at: '10m' },
    },
  },
  HealifyNoConsumers: {
    fires: {
      'nobody consumes questions': { series: { [consumers]: '0x10' }, at: '5m' },
      'nobody consumes answers while the intake is paused': {
        series: { [consumers.replace('requests', 'responses')]: '0x10', healify_intake_paused: '1x10' },
        at: '5m',
        labels: 'queue="chat_responses"',
      },
    },
    silent: {
      'the workers have enough to do': {
        series: { [consumers]: '0x10', 'healify_intake_paused{process="worker"}': '1x10' },
        at: '5m',
      },
      'a worker consumes': { series: { [consumers]: '1x10' }, at: '5m' },
      'nobody consumes dead letters': {
        series: { [consumers.replace('chat_requests', 'chat_requests.dlq')]: '0x10' },
        at: '5m',
      },
    },
  },
  HealifyConnectionDown: {
    fires: { 'a connection is gone for minutes': { series: { [connection]: '1 0x10' }, at: '6m' } },
    silent: { 'it is back after a minute': { series: { [connection]: '1 0 0 1x10' }, at: '6m' } },
  },
  HealifyMongoDbDown: {
    fires: {
      'no api has it': { series: { [mongoDb('a')]: '1 0x10', [mongoDb('b')]: '1 0x10' }, at: '4m' },
    },
    silent: {
      'one api has lost it': { series: { [mongoDb('a')]: '0x10', [mongoDb('b')]: '1x10' }, at: '4m' },
      'a failover takes less than a minute': { series: { [mongoDb('a')]: '1 0 1x10' }, at: '2m' },
      'history is in Redis': { series: { [connection]: '1x10' }, at: '4m' },
    },
  },
  HealifyMongoDbErrors: {
    fires: {
      'writes fail again and again': { series: { [commands('update', 'failed')]: '0+3x20' }, at: '15m' },
      'two apis have some each': {
        series: { [commands('find', 'failed')]: '0+0.8x20', [commands('find', 'failed', 'b')]: '0+0.8x20' },
        at: '15m',
        labels: 'command="find"',
      },
    },
    silent: {
      'a few have failed in a failover': { series: { [commands('update', 'failed')]: '0x5 4x20' }, at: '8m' },
      'all go well': { series: { [commands('update', 'ok')]: '0+900x20' }, at: '15m' },
    },
  },
  HealifyMongoDbSlow: {
    fires: {
      'a read takes a second': {
        series: { [commands('find', 'ok')]: '0+60x30', [seconds('find')]: '0+60x30' },
        at: '20m',
        labels: 'command="find"',
      },
    },
    silent: {
      'it was slow for some minutes': {
        series: { [commands('find', 'ok')]: '0+60x30', [seconds('find')]: '0+60x4 240+0.6x30' },
        at: '12m',
      },
      'a read takes 10 ms': {
        series: { [commands('find', 'ok')]: '0+60x30', [seconds('find')]: '0+0.6x30' },
        at: '20m',
      },
    },
  },
  HealifyReconnectStorm: {
    fires: {
      'a connection comes and goes': { series: { 'healify_reconnects_total{server="redis"}': '0+4x20' }, at: '15m' },
      'RabbitMQ sees new connections all the time': {
        series: { [rabbitMq('rabbitmq_connections_opened_total')]: '0+60x20' },
        at: '15m',
      },
    },
    silent: {
      'a server was restarted': { series: { 'healify_reconnects_total{server="redis"}': '0x10 5x20' }, at: '15m' },
      'the processes were restarted': {
        series: { [rabbitMq('rabbitmq_connections_opened_total')]: '0x10 30x20' },
        at: '15m',
      },
    },
  },
  HealifyClockSkew: {
    fires: {
      'a clock is 20 s late': { series: { healify_clock_seconds: '-20+60x20' }, at: '10m' },
      'a clock is 20 s early': { series: { healify_clock_seconds: '20+60x20' }, at: '10m' },
    },
    silent: { 'a clock is 2 s early': { series: { healify_clock_seconds: '2+60x20' }, at: '10m' } },
  },
  HealifyCertificateExpires: {
    fires: {
      'it ends in less than 14 days': {
        series: { [certificate]: '1209000x20' },
        at: '10m',
        labels: 'setting="TLS_CERT_FILE"',
      },
      'it has ended': { series: { [certificate]: '60x20' }, at: '10m', labels: 'setting="TLS_CERT_FILE"' },
    },
    silent: { 'it is valid for 20 days': { series: { [certificate]: '1728000x20' }, at: '10m' } },
  },
  HealifyMonitoringMissing: {
    fires: {
      'the exporter is gone': { series: { 'up{job="redis",instance="e"}': '0x10' }, at: '7m', labels: 'job="redis"' },
    },
    silent: {
      'it answers': { series: { 'up{job="redis",instance="e"}': '1x10' }, at: '7m' },
      'a worker is gone, which is another alert': {
        series: { 'up{job="healify-worker",instance="w"}': '0x10' },
        at: '7m',
      },
    },
  },
  HealifyRedisDown: {
    fires: { 'Redis does not answer': { series: { [redis('up')]: '0x10' }, at: '3m' } },
    silent: {
      'Redis answers': { series: { [redis('up')]: '1x10' }, at: '3m' },
      'a cache of another job is down': { series: { 'redis_up{job="redis-cache"}': '0x10' }, at: '3m' },
    },
  },
  HealifyRedisMemory: {
    fires: {
      'it nears maxmemory': {
        series: { [redis('memory_used_bytes')]: '90x20', [redis('memory_max_bytes')]: '100x20' },
        at: '10m',
      },
      'it nears what the machine has': {
        series: {
          [redis('memory_used_bytes')]: '90x20',
          [redis('memory_max_bytes')]: '0x20',
          [redis('total_system_memory_bytes')]: '100x20',
        },
        at: '10m',
      },
    },
    silent: {
      'half of it is used': {
        series: { [redis('memory_used_bytes')]: '50x20', [redis('memory_max_bytes')]: '100x20' },
        at: '10m',
      },
      'there is no limit, and the machine has more': {
        series: {
          [redis('memory_used_bytes')]: '50x20',
          [redis('memory_max_bytes')]: '0x20',
          [redis('total_system_memory_bytes')]: '100x20',
        },
        at: '10m',
      },
    },
  },
  HealifyRedisPersistence: {
    fires: Object.fromEntries(
      ['aof_enabled', 'aof_last_write_status', 'aof_last_bgrewrite_status', 'rdb_last_bgsave_status'].map((name) => [
        `${name} is 0`,
        { series: { [redis(name)]: '0x10' }, at: '3m' },
      ]),
    ),
    silent: {
      'all is written': {
        series: {
          [redis('aof_enabled')]: '1x10',
          [redis('aof_last_write_status')]: '1x10',
          [redis('aof_last_bgrewrite_status')]: '1x10',
          [redis('rdb_last_bgsave_status')]: '1x10',
        },
        at: '3m',
      },
    },
  },
  HealifyRedisEviction: {
    fires: { 'a key is evicted': { series: { [redis('evicted_keys_total')]: '0x5 1x10' }, at: '8m' } },
    silent: { 'none is evicted': { series: { [redis('evicted_keys_total')]: '3x20' }, at: '15m' } },
  },
  HealifyRedisReplication: {
    fires: {
      'a replica has lost its master': { series: { [redis('master_link_up', ',master_host="m"')]: '0x10' }, at: '7m' },
      'a replica is late': { series: { [redis('connected_slave_lag_seconds', ',slave_ip="s"')]: '30x10' }, at: '7m' },
      'a replica is gone': { series: { [redis('connected_slaves')]: '1x5 0x20' }, at: '15m' },
    },
    silent: {
      'there was never a replica': { series: { [redis('connected_slaves')]: '0x20' }, at: '15m' },
      'a replica follows': {
        series: {
          [redis('connected_slaves')]: '1x20',
          [redis('connected_slave_lag_seconds', ',slave_ip="s"')]: '1x20',
          [redis('master_link_up', ',master_host="m"')]: '1x20',
        },
        at: '15m',
      },
    },
  },
  HealifyRabbitMqDown: {
    fires: {
      'the only node is down': { series: { [rabbitMq('up')]: '1 0x10' }, at: '5m' },
      'two of three nodes are down': {
        series: { [rabbitMq('up')]: '0x10', [rabbitMq('up', 'b')]: '0x10', [rabbitMq('up', 'c')]: '1x10' },
        at: '5m',
      },
    },
    silent: {
      'it runs': { series: { [rabbitMq('up')]: '1x10' }, at: '5m' },
      'one of three nodes is down': {
        series: { [rabbitMq('up')]: '0x10', [rabbitMq('up', 'b')]: '1x10', [rabbitMq('up', 'c')]: '1x10' },
        at: '5m',
      },
    },
  },
  HealifyRabbitMqAlarm: {
    fires: Object.fromEntries(
      ['memory_used_watermark', 'free_disk_space_watermark', 'file_descriptor_limit'].map((name) => [
        `${name} is 1`,
        { series: { [rabbitMq(`rabbitmq_alarms_${name}`)]: '1x10' }, at: '1m' },
      ]),
    ),
    silent: { 'no alarm is on': { series: { [rabbitMq('rabbitmq_alarms_memory_used_watermark')]: '0x10' }, at: '1m' } },
  },
  HealifyRabbitMqQuorum: {
    fires: {
      'one of three nodes is down': {
        series: { [rabbitMq('up')]: '0x10', [rabbitMq('up', 'b')]: '1x10', [rabbitMq('up', 'c')]: '1x10' },
        at: '5m',
      },
      'a node does not reach another': {
        series: { [rabbitMq('rabbitmq_unreachable_cluster_peers_count')]: '1x10' },
        at: '5m',
      },
      'leaders change all the time': { series: { [rabbitMq('rabbitmq_raft_term_total')]: '0+5x20' }, at: '15m' },
    },
    silent: {
      'the only node is down, which is another alert': { series: { [rabbitMq('up')]: '0x10' }, at: '5m' },
      'all nodes run': {
        series: { [rabbitMq('up')]: '1x10', [rabbitMq('rabbitmq_unreachable_cluster_peers_count')]: '0x10' },
        at: '5m',
      },
      'a few leaders change after a restart': {
        series: { [rabbitMq('rabbitmq_raft_term_total')]: '5x10 9x20' },
        at: '15m',
      },
    },
  },
};
