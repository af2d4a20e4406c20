import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withDigests } from './services/images.ts';

const HELP = `Writes the digest of each image behind its version, in docker-compose.yml and Dockerfile.

  npm run pin-images

It pulls the images, so it needs Docker and an image registry. An image that has a digest keeps it: to take a new version, write the
new version without a digest, and run this again.
`;

if (process.argv.includes('--help')) {
  process.stdout.write(HELP);
  process.exit(0);
}

for (const file of ['docker-compose.yml', 'Dockerfile']) {
  const path = join(import.meta.dirname, '..', file);
  writeFileSync(path, withDigests(readFileSync(path, 'utf8'), digestOf));
}

/** @throws Error the image cannot be pulled */
function digestOf(image: string): string {
  process.stdout.write(`${image} ...\n`);
  docker('pull', '--quiet', image);
  const digest = /@(sha256:[0-9a-f]{64})/.exec(docker('image', 'inspect', '--format', '{{.RepoDigests}}', image))?.[1];
  if (!digest) throw new Error(`${image} has no digest: it does not come from a registry.`);
  return digest;
}

function docker(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('docker', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`docker ${args.join(' ')}: ${stderr ?? 'docker is not installed'}`);
  return stdout;
}
