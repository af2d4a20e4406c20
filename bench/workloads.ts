import {
  batchLimit,
  brokerLimit,
  type Contender,
  celery,
  clientLimit,
  flow,
  jobLimit,
  type ModelKind,
  pipeline,
  plain,
  textbook,
} from './contenders.ts';
import { type DrainResult, drain } from './drain.ts';
import type { Servers } from './servers.ts';

/** A task at which several contenders are measured in each round, one after the other. */
export interface Workload {
  name: string;
  title: string;
  contenders: readonly Entry[];
}

/** A contender, and how it runs in this workload. */
export interface Entry {
  title: string;
  contender: Contender;
  run(servers: Servers, scale: number): Promise<DrainResult>;
}

interface DrainSettings {
  model: ModelKind;
  /** How the simulator behaves. */
  latencyMs?: number | { median: number; sigma: number };
  warmUp: number;
  messages: number;
  times?: number;
  message?: (i: number) => { message: string; sessionId?: string; cache?: boolean };
  concurrency?: number;
  processes?: number;
}

const distinct = (i: number) => ({ message: `Question ${i}: how much water should I drink a day?` });

function entry(contender: Contender, settings: DrainSettings, title = contender.title): Entry {
  const { latencyMs = 0, message = distinct, messages, warmUp, ...rest } = settings;
  return {
    title,
    contender,
    run: async (servers, scale) => {
      await servers.setModel({ latencyMs });
      const scaled = (count: number) => Math.max(1, Math.round(count * scale));
      return await drain(servers, contender, {
        ...rest,
        warmUp: scaled(warmUp),
        messages: scaled(messages),
        question: message,
      });
    },
  };
}

const all = (contenders: readonly Contender[], settings: DrainSettings) =>
  contenders.map((contender) => entry(contender, settings));

const designs = [pipeline, plain, textbook, flow, celery];
/** How many questions are asked at once, if the model's time is the limit. */
const WAITING = 25;
/** Few enough for two processes not to use up the processors of a slow machine. */
const FEW = 10;

/** Half of the messages repeat an earlier question. */
const halfRepeated = (i: number) => distinct(i % 2 === 0 ? i : Math.max(0, i - 1 - 2 * (i % 50)));

/** Few sessions and no cached answers: the cost of a backlog must not include what is kept for each question. */
const smallMessage = (i: number) => ({ message: `q${i}`, sessionId: `s-${i % 1000}`, cache: false });

const LEAST_MEASURED = 20_000;
/**
 * For an instant model. After this many messages, Node has compiled the code, and Redis has its full number of finished
 * jobs.
 */
const LONG_WARM_UP = 30_000;
const backlog = (messages: number): Entry =>
  entry(
    pipeline,
    {
      model: 'instant',
      warmUp: LONG_WARM_UP,
      messages,
      times: Math.ceil(LEAST_MEASURED / messages),
      message: smallMessage,
    },
    `backlog of ${messages.toLocaleString('en')}`,
  );

export function workloads({ million }: { million: boolean }): Workload[] {
  return [
    {
      name: 'instant',
      title: 'Drain, instant model (in the process)',
      contenders: all([...designs, batchLimit, jobLimit, brokerLimit], {
        model: 'instant',
        warmUp: LONG_WARM_UP,
        messages: 20_000,
      }),
    },
    {
      name: 'http-0',
      title: 'Drain, HTTP model at 0 ms',
      contenders: all([...designs, clientLimit], { model: 'http', warmUp: 1_500, messages: 4_000 }),
    },
    {
      name: 'http-50',
      title: `Drain, HTTP model at 50 ms, ${WAITING} at once (${WAITING * 20} a second, if nothing cost any time)`,
      contenders: all([pipeline, plain, textbook, clientLimit], {
        model: 'http',
        latencyMs: 50,
        warmUp: 1_000,
        messages: 3_000,
        concurrency: WAITING,
      }),
    },
    {
      name: 'two-processes',
      title: `Drain, HTTP model at 50 ms, ${FEW} at once in each process`,
      contenders: [
        entry(pipeline, { model: 'http', latencyMs: 50, warmUp: 1_000, messages: 3_000, concurrency: FEW }, 'one'),
        entry(
          pipeline,
          { model: 'http', latencyMs: 50, warmUp: 2_000, messages: 6_000, concurrency: FEW, processes: 2 },
          'two',
        ),
      ],
    },
    {
      name: 'heavy-tail',
      title: 'Drain, HTTP model with log-normal times (median 50 ms, sigma 1), 100 at once',
      contenders: all([pipeline, plain, textbook, celery], {
        model: 'http',
        latencyMs: { median: 50, sigma: 1 },
        warmUp: 1_000,
        messages: 3_000,
        concurrency: 100,
      }),
    },
    {
      name: 'repeated',
      title: 'Drain, instant model, half of the questions repeated',
      contenders: all([pipeline, plain, textbook], {
        model: 'instant',
        warmUp: LONG_WARM_UP,
        messages: 20_000,
        message: halfRepeated,
      }),
    },
    {
      name: 'burst',
      title: 'Burst of 1,000 identical questions, HTTP model at 50 ms',
      contenders: all([pipeline, plain, textbook], {
        model: 'http',
        latencyMs: 50,
        // The warm-up asks another question, once.
        warmUp: 1,
        messages: 1_000,
        message: (i) => distinct(Math.min(i, 1)),
      }),
    },
    {
      name: 'round-trips',
      title: 'One message at a time, HTTP model at 0 ms: nothing is shared between messages',
      contenders: all([pipeline, plain, textbook], {
        model: 'http',
        warmUp: 200,
        messages: 500,
        concurrency: 1,
      }),
    },
    {
      name: 'backlog',
      title: 'Backlog of small messages, instant model',
      contenders: [1_000, 10_000, 100_000, ...(million ? [1_000_000] : [])].map(backlog),
    },
  ];
}
