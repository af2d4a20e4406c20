import { expect, test } from '@jest/globals';
import { createPublisherCheck, earlierPublishers, publishersOf } from '../../src/contracts/publishers.ts';

const pair = (publisher: string, userIds: string) => ({ publisher, userIds });
const check = createPublisherCheck([pair('ours', '*'), pair('crm', 'tenant-a/*'), pair('crm', 'test')]);
const by = (userId: string, ...earlier: string[]) => ({ userId, headers: { 'x-original-user-id': earlier.join() } });

test.each([
  ['its own users', { userId: 'crm' }, 'tenant-a/7'],
  ['a user of another of its pairs', { userId: 'crm' }, 'test'],
  ['anybody, if it is one of ours', { userId: 'ours' }, 'tenant-b/7'],
  ['its own users, sent on by one of ours', by('ours', 'crm'), 'tenant-a/7'],
])('a publisher may ask for %s', (_, published, userId) => {
  expect(() => check(published, userId)).not.toThrow();
});

test.each([
  ['a user that only ends like one of its own', { userId: 'crm' }, 'x-tenant-a/7'],
  ['a user whose id has one of its own in another line', { userId: 'crm' }, 'tenant-b\ntest'],
  ['anybody, if it names nobody', {}, 'tenant-a/7'],
  ['anybody, if it only says who has asked', { headers: { 'x-original-user-id': 'ours' } }, 'tenant-a/7'],
  ['anybody, if it is not in the list', { userId: 'stranger' }, 'tenant-a/7'],
  ['anybody else, if one of ours sends the question on', by('ours', 'crm'), 'tenant-b/7'],
  ['anybody else, if it says that one of ours has asked', by('crm', 'ours'), 'tenant-b/7'],
])('a publisher may not ask for %s', (_, published, userId) => {
  expect(() => check(published, userId)).toThrow(expect.objectContaining({ reason: 'publisher_not_allowed' }));
});

test('without a list anybody may ask for anybody', () => {
  expect(() => createPublisherCheck([])({}, 'tenant-a/7')).not.toThrow();
});

test('whoever publishes a message again is added once to those before', () => {
  const once = earlierPublishers({ userId: 'crm' });
  expect(once).toEqual({ 'x-original-user-id': 'crm' });
  const twice = earlierPublishers({ userId: 'ours', headers: once });
  expect(publishersOf({ userId: 'ours', headers: twice })).toEqual(['crm', 'ours']);
  expect(earlierPublishers({})).toEqual({});
});
