import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { renewCertificates } from './renew.ts';

const HELP = `Makes an authority of its own and certificates for the services of docker-compose.tls.yml, or renews those that end within
30 days. Restart the services afterwards, because they read their certificates when they start.

  npm run certificates                      what is missing, or ends within 30 days
  npm run certificates -- --renew           all certificates of services
  npm run certificates -- --dir DIR         in another folder than deploy/certificates

A certificate is valid for 90 days, and the authority for five years. Keep ca-key.pem for yourself: whoever has it can pretend to be any
service.
`;

const { values } = parseArgs({
  options: { help: { type: 'boolean' }, renew: { type: 'boolean' }, dir: { type: 'string' } },
});
if (values.help) process.stdout.write(HELP);
else {
  const dir = values.dir ?? join(import.meta.dirname, '../../deploy/certificates');
  const made = await renewCertificates({ dir, force: values.renew ?? false });
  console.log(
    made.length > 0
      ? `${dir} has new certificates of: ${made.join(', ')}`
      : `${dir}: all certificates are valid for 30 days or longer`,
  );
}
