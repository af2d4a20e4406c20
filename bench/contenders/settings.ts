/** What the benchmark tells a contender, through its environment. */
export const settings = {
  rabbitMqUrl: process.env.RABBITMQ_URL ?? '',
  redisUrl: process.env.REDIS_URL ?? '',
  /** An OpenAI-compatible server. If it is absent, the answer is made in the process, at once. */
  modelUrl: process.env.MODEL_URL,
  /** Messages worked on at once. */
  concurrency: Number(process.env.CONCURRENCY),
  /** The length of answers that are made in the process; 0: as they come. */
  answerBytes: Number(process.env.ANSWER_BYTES ?? 0),
};

/** How long an answer is kept for those who ask the same. */
export const CACHE_SECONDS = 3600;

/** The fields of the smallest message on `chat_requests`. */
export interface Request {
  requestId: string;
  sessionId: string;
  userId: string;
  message: string;
}

export const responseTo = ({ requestId, sessionId, userId }: Request, response: string) => ({
  requestId,
  sessionId,
  userId,
  status: 'completed',
  response,
  completedAt: new Date().toISOString(),
});
