import type { z } from 'zod';

/** The process that reads a setting. */
export type Reader = 'api' | 'worker';

/** All that is to be said about a setting; the key under which it stands in its group is the field that it fills. */
export interface Setting<T = unknown> {
  /**
   * Name of the environment variable. The field has the same name in camel case, with `Ms` behind it for a duration.
   */
  env: string;
  /** Turns the variable's text into the value; its messages are shown to the operator. */
  type: z.ZodType<T>;
  /** Text used where the variable is absent or empty; `undefined` makes the setting required. */
  default: string | undefined;
  /** What the text stands for, in a word: duration, bytes, percent, URL. */
  unit: string;
  /** What the setting is for: a sentence or two for the operator. */
  text: string;
  /** One of the lists below. */
  readBy: readonly Reader[];
}

/** Keeps the value's type while checking the shape. */
export const setting = <T>(definition: Setting<T>) => definition;

export const both = ['api', 'worker'] as const;
export const api = ['api'] as const;
export const worker = ['worker'] as const;
