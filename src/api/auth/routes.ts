import { type RequestHandler, type Response, Router } from 'express';
import { credentials, loginBody, refreshBody } from '../../contracts/http/account-bodies.ts';
import { parse } from '../validate.ts';
import type { Accounts } from './accounts.ts';

export interface AccountsRouterOptions {
  accounts: Accounts;
  /** Answers 429 to an address that asks too often at this endpoint. */
  limitAddress: (endpoint: string) => RequestHandler;
  /** @throws ApiError rate_limited: too many tries for this email, from whichever address */
  limitEmail: (email: string, res: Response) => Promise<void>;
}

/** The routes of the accounts; absent where an identity provider has them. */
export function createAccountsRouter({ accounts, limitAddress, limitEmail }: AccountsRouterOptions): Router {
  return Router()
    .post('/auth/register', limitAddress('register'), async (req, res) => {
      res.status(201).json(await accounts.register(parse(credentials, req.body), 'user'));
    })
    .post('/auth/login', limitAddress('login'), async (req, res) => {
      const body = parse(loginBody, req.body);
      await limitEmail(body.email, res);
      res.json(await accounts.login(body));
    })
    .post('/auth/refresh', limitAddress('refresh'), async (req, res) => {
      res.json(await accounts.refresh(parse(refreshBody, req.body).refreshToken));
    })
    .post('/auth/logout', limitAddress('logout'), async (req, res) => {
      await accounts.logout(parse(refreshBody, req.body).refreshToken);
      res.status(204).end();
    });
}
