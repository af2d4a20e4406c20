import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Shape } from '../../components/mark.tsx';
import { retryReason, roughly } from '../words.ts';
import type { ShownTurn } from './shown-turn.ts';

/** How an answer is coming along, or how it has ended, in a line. It keeps its height, so that nothing jumps. */
export function TurnState({ turn }: { turn: ShownTurn }) {
  const { status, text, problem, error, finishReason, connection } = turn;
  if (problem) return <Outcome tone="bad">{problem}</Outcome>;
  if (connection?.state === 'waiting' && connection.failures > 1) {
    return <Busy>The connection was lost. Trying to connect again; your question goes on.</Busy>;
  }
  if (turn.stopping) return <Busy>Stopping …</Busy>;
  switch (status) {
    case 'sending':
      return <Busy>Sending …</Busy>;
    case 'unsent':
      return <Outcome tone="bad">This question was not sent.</Outcome>;
    case 'queued':
      return <Busy>{queueWords(turn)}</Busy>;
    case 'asking':
      return <Busy>{text !== '' ? 'Writing …' : `Thinking …${expected(turn)}`}</Busy>;
    case 'retrying':
      return <Retrying turn={turn} />;
    case 'failed':
      return <Outcome tone="bad">{error?.message ?? 'There is no answer.'}</Outcome>;
    case 'cancelled':
      return (
        <Outcome tone="quiet">
          {text === '' ? 'You have stopped this question.' : 'You have stopped this answer.'}
        </Outcome>
      );
    case 'completed':
      if (finishReason === 'length')
        return <Outcome tone="warn">The answer was too long, so its end is missing.</Outcome>;
      if (finishReason === 'content_filter') return <Outcome tone="warn">A filter has cut this answer off.</Outcome>;
      return null;
  }
}

const queueWords = (turn: ShownTurn) => {
  const { position } = turn;
  if (position === null || position === 0) return `Waiting for the assistant …${expected(turn)}`;
  return `${position === 1 ? 'One question is' : `${position} questions are`} before yours.${expected(turn)}`;
};

const expected = ({ etaMs }: ShownTurn) => (etaMs === null ? '' : ` The answer should come in ${roughly(etaMs)}.`);

function Retrying({ turn: { retry } }: { turn: ShownTurn }) {
  const seconds = useSecondsUntil(retry?.nextAt ?? null);
  const why = `That did not work: ${retryReason(retry?.code ?? '')}.`;
  return <Busy>{seconds > 1 ? `${why} Trying again in ${roughly(seconds * 1_000)} …` : `${why} Trying again …`}</Busy>;
}

function useSecondsUntil(at: string | null): number {
  const left = () => (at === null ? 0 : Math.max(0, (Date.parse(at) - Date.now()) / 1_000));
  const [seconds, setSeconds] = useState(left);
  useEffect(() => {
    setSeconds(left());
    const timer = setInterval(() => setSeconds(left()), 1_000);
    return () => clearInterval(timer);
  }, [at]);
  return seconds;
}

const Busy = ({ children }: { children: ComponentChildren }) => (
  <p class="turn-state">
    <span class="writing" aria-hidden="true">
      <i />
      <i />
      <i />
    </span>
    <span>{children}</span>
  </p>
);

const Outcome = ({ tone, children }: { tone: 'bad' | 'warn' | 'quiet'; children: ComponentChildren }) => (
  <p class="turn-state">
    <Shape tone={tone} />
    <span>{children}</span>
  </p>
);
