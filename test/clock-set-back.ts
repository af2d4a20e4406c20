/**
 * Loaded before a process of ours: its wall clock is set back by a minute at SIGUSR2, as NTP or an operator does it.
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
