import type { Role } from './account.ts';

/** Everybody who may enter `/admin`. */
export type StaffRole = Exclude<Role, 'user'>;

const STAFF = ['operator', 'privacy_officer', 'admin'] as const satisfies StaffRole[];
const OPERATORS = ['operator'] as const satisfies StaffRole[];
const OPERATORS_AND_ADMINS = ['operator', 'admin'] as const satisfies StaffRole[];
const ADMINS = ['admin'] as const satisfies StaffRole[];
const OFFICERS = ['privacy_officer'] as const satisfies StaffRole[];

/**
 * Who may do what at `/admin`: the only place where this is decided. The keys are the method and the path of the OpenAPI
 * document. What is not here, nobody may do.
 */
export const adminRights = {
  // How everything stands. There is no text of a user in it.
  'GET /admin/me': STAFF,
  'GET /admin/overview': STAFF,
  'GET /admin/history': STAFF,
  'GET /admin/processes': STAFF,
  'GET /admin/links': STAFF,
  'GET /admin/retention': STAFF,
  'GET /admin/jobs': STAFF,
  'GET /admin/jobs/{requestId}': STAFF,
  'GET /admin/failures': STAFF,
  'GET /admin/retry-runs': STAFF,
  'GET /admin/retry-runs/{id}': STAFF,
  'GET /admin/dead-letters/{queue}': STAFF,
  'GET /admin/dead-letters/{queue}/messages': STAFF,
  'GET /admin/feedback': STAFF,
  'GET /admin/gates': STAFF,
  'GET /admin/intake': STAFF,
  // The work.
  'POST /admin/jobs/retry': OPERATORS,
  'POST /admin/jobs/{requestId}/retry': OPERATORS,
  'POST /admin/jobs/{requestId}/cancel': OPERATORS,
  'POST /admin/retry-runs': OPERATORS,
  'POST /admin/retry-runs/{id}/stop': OPERATORS,
  'POST /admin/dead-letters/{queue}/redrive': OPERATORS,
  'POST /admin/dead-letters/{queue}/drop': OPERATORS,
  // Settings.
  'POST /admin/gates/open': OPERATORS_AND_ADMINS,
  'POST /admin/gates/shut': OPERATORS_AND_ADMINS,
  'POST /admin/intake/pause': OPERATORS_AND_ADMINS,
  'POST /admin/intake/resume': OPERATORS_AND_ADMINS,
  // Accounts.
  'POST /admin/accounts/invite': ADMINS,
  'POST /admin/accounts/list': ADMINS,
  'POST /admin/accounts/find': ADMINS,
  'POST /admin/accounts/disable': ADMINS,
  'POST /admin/accounts/enable': ADMINS,
  'POST /admin/accounts/end-logins': ADMINS,
  'POST /admin/accounts/reset-second-factor': ADMINS,
  'POST /admin/accounts/role': ADMINS,
  'POST /admin/accounts/erase': ADMINS,
  // Texts.
  'POST /admin/texts/conversation': OFFICERS,
  'POST /admin/texts/dead-letter': OFFICERS,
  'POST /admin/texts/access': OPERATORS_AND_ADMINS,
} as const satisfies Record<string, readonly StaffRole[]>;

/** What those may do as well who have taken access to texts in an emergency. */
export const emergencyRights: readonly AdminRight[] = [
  'POST /admin/texts/conversation',
  'POST /admin/texts/dead-letter',
];

export type AdminRight = keyof typeof adminRights;

/** Bull Board has an API of its own, which the OpenAPI document does not have. */
const BOARD = /^\/admin\/queues(?:\/|$)/i;

const rows = Object.entries(adminRights).map(([right, roles]) => {
  const [method, path] = right.split(' ') as [string, string];
  const pattern = path.replace(/\{\w+\}/g, '[^/]+');
  // As Express compares paths.
  return {
    right: right as AdminRight,
    method,
    path: new RegExp(`^${pattern}/?$`, 'i'),
    isExact: pattern === path,
    roles,
  };
});
// `/admin/jobs/retry` comes before `/admin/jobs/{requestId}`.
rows.sort((a, b) => Number(b.isExact) - Number(a.isExact));

/** Who may send a request, and whether those may as well who have taken access in an emergency. */
export interface Allowed {
  /** The method, and the path without ids. */
  right: AdminRight | 'GET /admin/queues' | 'POST /admin/queues';
  roles: readonly StaffRole[];
  inEmergency: boolean;
}

/** Returns who may send a request with this method to this path; undefined: there is nothing that anybody may do. */
export function allowedFor(method: string, path: string): Allowed | undefined {
  const reading = method === 'HEAD' ? 'GET' : method;
  if (BOARD.test(path)) {
    return reading === 'GET'
      ? { right: 'GET /admin/queues', roles: STAFF, inEmergency: false }
      : { right: 'POST /admin/queues', roles: OPERATORS, inEmergency: false };
  }
  const row = rows.find((each) => each.method === reading && each.path.test(path));
  return row && { right: row.right, roles: row.roles, inEmergency: emergencyRights.includes(row.right) };
}

/** What somebody with this role may do. */
export const rightsOf = (role: StaffRole, hasTextAccess: boolean): AdminRight[] =>
  rows
    .filter(
      ({ right, roles }) =>
        (roles as readonly StaffRole[]).includes(role) || (hasTextAccess && emergencyRights.includes(right)),
    )
    .map(({ right }) => right);
