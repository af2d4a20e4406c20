import type { Role } from './account.ts';

/** Everybody who may enter `/admin`. */
export type StaffRole = Exclude<Role, 'user'>;

const STAFF = ['operator', 'privacy_officer', 'admin'] as const satisfies StaffRole[];
const SEEING = ['operator', 'admin'] as const satisfies StaffRole[];
const OPERATING = ['operator'] as const satisfies StaffRole[];
const SETTING = ['operator', 'admin'] as const satisfies StaffRole[];
const MANAGING = ['admin'] as const satisfies StaffRole[];

/**
 * Who may do what at `/admin`: the only place where this is decided. The keys are the method and the path of the OpenAPI
 * document. What is not here, nobody may do.
 */
export const adminRights = {
  'GET /admin/me': STAFF,
  'GET /admin/overview': STAFF,
  'GET /admin/history': STAFF,
  'GET /admin/processes': STAFF,
  'GET /admin/links': STAFF,

  'GET /admin/jobs': SEEING,
  'GET /admin/jobs/{requestId}': SEEING,
  'GET /admin/failures': SEEING,
  'GET /admin/retry-runs': SEEING,
  'GET /admin/retry-runs/{id}': SEEING,
  'GET /admin/dead-letters/{queue}': SEEING,
  'GET /admin/dead-letters/{queue}/messages': SEEING,
  'GET /admin/feedback': SEEING,

  'POST /admin/jobs/retry': OPERATING,
  'POST /admin/jobs/{requestId}/retry': OPERATING,
  'POST /admin/jobs/{requestId}/cancel': OPERATING,
  'POST /admin/retry-runs': OPERATING,
  'POST /admin/retry-runs/{id}/stop': OPERATING,
  'POST /admin/dead-letters/{queue}/redrive': OPERATING,
  'POST /admin/dead-letters/{queue}/drop': OPERATING,

  'GET /admin/gates': SETTING,
  'POST /admin/gates/open': SETTING,
  'POST /admin/gates/shut': SETTING,
  'GET /admin/intake': SETTING,
  'POST /admin/intake/pause': SETTING,
  'POST /admin/intake/resume': SETTING,

  'POST /admin/accounts/invite': MANAGING,
  'POST /admin/accounts/find': MANAGING,
  'POST /admin/accounts/disable': MANAGING,
  'POST /admin/accounts/enable': MANAGING,
  'POST /admin/accounts/end-logins': MANAGING,
  'POST /admin/accounts/role': MANAGING,
} as const satisfies Record<string, readonly StaffRole[]>;

export type AdminRight = keyof typeof adminRights;

/** Bull Board has an API of its own, which the OpenAPI document does not have. */
const BOARD = { path: /^\/admin\/queues(?:\/|$)/i, see: SEEING, change: OPERATING };

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

/** Returns who may send a request with this method to this path; undefined: there is nothing that anybody may do. */
export function rolesFor(method: string, path: string): readonly StaffRole[] | undefined {
  const reading = method === 'HEAD' ? 'GET' : method;
  if (BOARD.path.test(path)) return reading === 'GET' ? BOARD.see : BOARD.change;
  return rows.find((row) => row.method === reading && row.path.test(path))?.roles;
}

/** What somebody with this role may do. */
export const rightsOf = (role: StaffRole): AdminRight[] =>
  rows.filter(({ roles }) => (roles as readonly StaffRole[]).includes(role)).map(({ right }) => right);
