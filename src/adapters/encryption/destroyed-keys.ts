import { KEY_DESTROYED_CHANNEL } from '../../contracts/redis-keys.ts';
import { channelOf } from '../redis/channels.ts';
import { orStoreUnavailable } from '../redis/connect-redis.ts';
import type { Redis, Subscriber } from '../redis/redis.ts';
import type { DataKeyStore } from './data-key-store.ts';
import type { DataKeys } from './data-keys.ts';

/** Destroys a data key, and tells all processes. Two round trips. @throws StoreUnavailableError */
export async function destroyDataKey(options: { redis: Redis; store: DataKeyStore; owner: string }): Promise<void> {
  const { redis, store, owner } = options;
  await store.destroy(owner);
  await orStoreUnavailable(redis.publish(channelOf(redis, KEY_DESTROYED_CHANNEL), owner));
}

/**
 * Forgets data keys that another process has destroyed. Notices may be missed while there is no connection, so all keys are
 * forgotten whenever it is made again.
 * @param options.subscriber a connection in subscriber mode; others may use it as well
 */
export function forgetDestroyedKeys(options: { subscriber: Subscriber; dataKeys: Pick<DataKeys, 'forget'> }): void {
  const { subscriber, dataKeys } = options;
  const channel = channelOf(subscriber, KEY_DESTROYED_CHANNEL);
  const onReady = () => {
    // A subscription that fails is made again with the next connection. Until then, keys are kept for minutes only.
    subscriber.subscribe(channel).then(
      () => dataKeys.forget(),
      () => {},
    );
  };
  subscriber.on('message', (from: string, owner: string) => {
    if (from === channel) dataKeys.forget(owner);
  });
  subscriber.on('ready', onReady);
  if (subscriber.status === 'ready') onReady();
}
