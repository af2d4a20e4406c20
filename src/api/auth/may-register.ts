import { ApiError } from '../../contracts/errors.ts';
import type { Registration } from '../../contracts/registration.ts';
import type { Invites } from './invites.ts';

/**
 * Refuses those who may not make an account. An invite is used up, whatever comes of it.
 * @param invite undefined: the client has none
 * @throws ApiError registration_closed, invite_invalid
 */
export type MayRegister = (invite: string | undefined) => Promise<void>;

export const createMayRegister =
  ({ registration, invites }: { registration: Registration; invites: Pick<Invites, 'use'> }): MayRegister =>
  async (invite) => {
    if (registration === 'closed') throw new ApiError('registration_closed');
    if (registration === 'open') return;
    if (invite === undefined || !(await invites.use(invite))) throw new ApiError('invite_invalid');
  };
