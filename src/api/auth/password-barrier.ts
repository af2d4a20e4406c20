import { Router } from 'express';
import { ApiError } from '../../contracts/errors.ts';

/** Refuses everything that needs a password, or would make one. For installations whose people log in at an identity provider. */
export const createPasswordBarrier = (): Router =>
  Router().post(['/auth/login', '/auth/register', '/auth/password', '/auth/password/:what'], () => {
    throw new ApiError('password_login_off');
  });
