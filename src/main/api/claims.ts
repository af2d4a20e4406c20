import type { ApiConfig } from '../../config/settings.ts';

/** In which claims of an identity provider somebody's roles and organisation are, and how it names the roles. */
export const claimsOf = (config: ApiConfig) => ({
  rolesClaim: config.jwtRolesClaim,
  roleNames: {
    admin: config.jwtAdminRole,
    privacy_officer: config.jwtPrivacyOfficerRole,
    operator: config.jwtOperatorRole,
  },
  tenantClaim: config.jwtTenantClaim,
});
