import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/**
 * MongoDB's driver. A process without MONGODB_URL never loads it. The others load it when they connect, before they are ready;
 * what judges the driver's errors finds it loaded.
 */
export const driver = () => require('mongodb') as typeof import('mongodb');
