import type { ServerDescription, TopologyDescription } from 'mongodb';
import { safeMessage } from '../../contracts/safe-message.ts';
import type { ServerMember } from '../../contracts/server-members.ts';

const ROLES: Partial<Record<ServerDescription['type'], string>> = {
  RSPrimary: 'primary',
  RSSecondary: 'secondary',
  RSArbiter: 'arbiter',
  Mongos: 'router',
};

/** Members that answer, but do no work of theirs. */
const NO_WORK: Partial<Record<ServerDescription['type'], string>> = {
  RSOther: 'it is starting, recovering or hidden',
  RSGhost: 'it is in no replica set yet',
  PossiblePrimary: 'it is not known yet',
};

/**
 * The members of a replica set, as the driver sees them. It asks each of them regularly (`hello`), for which no right is needed.
 * A server that is none has one member.
 */
export const membersOf = ({ servers }: Pick<TopologyDescription, 'servers'>): ServerMember[] =>
  [...servers.values()].map(({ address, type, error }) => ({
    name: address,
    state: type === 'Unknown' ? 'down' : 'up',
    role: ROLES[type] ?? null,
    detail: NO_WORK[type] ?? (type === 'Unknown' && error ? safeMessage(error) : null),
  }));
