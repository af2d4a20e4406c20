/**
 * Loaded before the code of a process. At SIGUSR2 it sets the wall clock back by a minute, as NTP or an operator does.
 */
const SET_BACK_MS = 60_000;

process.once('SIGUSR2', () => {
  const { Date: RealDate } = globalThis;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [RealDate.now() - SET_BACK_MS] : args, newTarget),
    get: (target, property, receiver) =>
      property === 'now' ? () => RealDate.now() - SET_BACK_MS : Reflect.get(target, property, receiver),
  });
});
