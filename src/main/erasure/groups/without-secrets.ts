/** For each field of a record, whether its user may have it. A new field must say so. */
export type Visibility<T> = Readonly<Record<keyof T, 'shown' | 'secret'>>;

/** A record as its user may have it: in place of its secrets it has their names. */
export function withoutSecrets<T extends object>(
  record: T,
  visibility: Visibility<T>,
): Partial<T> & { secrets: string[] } {
  const fields = Object.entries(record).filter(([, value]) => value !== undefined);
  const isSecret = (name: string) => visibility[name as keyof T] !== 'shown';
  return {
    ...(Object.fromEntries(fields.filter(([name]) => !isSecret(name))) as Partial<T>),
    secrets: fields.map(([name]) => name).filter(isSecret),
  };
}
