import type { Board } from './builders/board.ts';
import { text } from './builders/panels.ts';

const HOW = `
Each line of the api and of the workers has the \`traceId\` of its request, which also names the request (\`requestId\`):

\`\`\`
docker-compose logs --no-color api worker | grep $trace
\`\`\`

- No line has a user's text.
- With the \`requestId\`, the [operations page]($api/admin) and \`npm run jobs -- show REQUEST\` tell the request's whole story.
- If your logs are kept elsewhere, set \`LOGS_BY_TRACE_URL\` to the address that finds a trace there. Then the points in the
  pictures lead there at once.
`.trim();

export const logs: Board = {
  name: 'logs',
  title: 'Healify: logs of a request',
  about:
    'How to find the logs of a request by its trace. The points in the pictures of the other dashboards lead here.',
  lookBack: '1h',
  typed: { trace: 'Trace id' },
  rows: [{ title: 'Logs', panels: [text({ title: 'The lines of this request', content: HOW, width: 24 })] }],
};
