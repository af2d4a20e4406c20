import { z } from 'zod';

export const seenProcess = z
  .object({
    id: z.string(),
    role: z.enum(['api', 'worker']),
    version: z.string(),
    settings: z.string().describe('Fingerprint of the settings that must be the same in all processes.'),
    startedAt: z.iso.datetime(),
    silentMs: z.int().describe('How long its last heartbeat is ago.'),
    state: z
      .enum(['alive', 'missing'])
      .describe('`missing`: silent for more than 7 s, without having stopped. It is listed for ten minutes.'),
  })
  .meta({ id: 'Process' });

export const processList = z
  .object({
    processes: z.array(seenProcess),
    warnings: z.array(z.string()).describe('What is wrong with them; empty if nothing is.'),
  })
  .meta({ id: 'ProcessList', description: 'The processes of this installation, as their heartbeats show them.' });

export type ProcessList = z.output<typeof processList>;
