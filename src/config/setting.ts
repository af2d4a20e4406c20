import type { z } from 'zod';

/** The process that reads a setting. */
export type Reader = 'api' | 'worker';

/** Everything about one setting. Its key in its group is the name of the field that it fills. */
export interface Setting<T = unknown> {
  /**
   * The name of the environment variable. The field has the same name in camel case. The field of a duration ends in
   * `Ms`.
   */
  env: string;
  /** Turns the variable's text into the value. The operator sees its messages. */
  type: z.ZodType<T>;
  /** The text to use if the variable is missing or empty. `undefined` makes the setting required. */
  default: string | undefined;
  /** The unit of the value, in a word: duration, bytes, percent, URL. */
  unit: string;
  /** What the setting is for, in a sentence or two for the operator. */
  text: string;
  /** The value is, or has in it, a secret, so it may also stand in a file, which `<env>_FILE` names. */
  mayBeInFile?: true;
  /** The variable with the password for an address that has a user and no password. That may be in a file, too. */
  password?: string;
  /**
   * The process connects to the addresses in the value, or sends people there with a secret. So production refuses them without
   * TLS.
   */
  connects?: true;
  /** One of the lists below. */
  readBy: readonly Reader[];
}

/** Keeps the value's type while checking the shape. */
export const setting = <T>(definition: Setting<T>) => definition;

export const both = ['api', 'worker'] as const;
export const api = ['api'] as const;
export const worker = ['worker'] as const;
