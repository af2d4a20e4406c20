import { both, setting } from '../setting.ts';
import { optional, text, url } from '../value-types.ts';

export const outgoingHttp = {
  httpProxy: setting({
    env: 'HTTP_PROXY',
    type: optional(url('http', 'https')),
    default: '',
    unit: 'URL',
    text: 'A proxy for requests to http:// addresses of model and identity providers.',
    connects: true,
    readBy: both,
  }),
  httpsProxy: setting({
    env: 'HTTPS_PROXY',
    type: optional(url('http', 'https')),
    default: '',
    unit: 'URL',
    text: 'A proxy for requests to https:// addresses of model and identity providers. Left out: HTTP_PROXY.',
    connects: true,
    readBy: both,
  }),
  noProxy: setting({
    env: 'NO_PROXY',
    type: optional(text(10_000)),
    default: '',
    unit: 'names',
    text: 'Hosts that are asked without a proxy, separated by commas. .example.com stands for every host in that domain, and * for all hosts.',
    readBy: both,
  }),
} as const;
