/** What the benchmark tells a contender, through its environment. */
export const settings = {
  rabbitMqUrl: process.env.RABBITMQ_URL ?? '',
  redisUrl: process.env.REDIS_URL ?? '',
  /** An OpenAI-compatible server. If it is missing, the answer is made in the process, at once. */
  modelUrl: process.env.MODEL_URL,
  /** How many messages are worked on at once. */
  concurrency: Number(process.env.CONCURRENCY),
  /** The length of answers that are made in the process. 0: their natural length. */
  answerBytes: Number(process.env.ANSWER_BYTES ?? 0),
};

/** How long an answer is kept for other requests with the same question. */
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
