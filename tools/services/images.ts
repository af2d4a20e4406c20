import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Returns the image that docker-compose.yml names for a service, so that its tag is written only there. */
export function imageOf(service: 'redis' | 'rabbitmq' | 'mongo'): string {
  const compose = readFileSync(join(import.meta.dirname, '../../docker-compose.yml'), 'utf8');
  const image = new RegExp(`^ {4}image: (${service}:\\S+)$`, 'm').exec(compose)?.[1];
  if (!image) throw new Error(`docker-compose.yml names no image for ${service}`);
  return image;
}

/**
 * Returns a compose file or a Dockerfile with the digest of each image behind its version. Images that have a digest or no
 * version of their own stay as they are.
 */
export const withDigests = (text: string, digestOf: (image: string) => string): string =>
  text.replace(
    /^( {4}image: |FROM )([\w./-]+:[\w.-]+)(?=$| )/gm,
    (_, before: string, image: string) => `${before}${image}@${digestOf(image)}`,
  );
