// What the page keeps in the browser. A browser may refuse to keep anything; then it lasts as long as the page.

const PREFIX = 'healify:';
const memory = new Map<string, string>();

/** Returns what was kept under a name; undefined if there is nothing readable. */
export function readKept<T>(name: string): T | undefined {
  try {
    const text = localStorage.getItem(PREFIX + name) ?? memory.get(name);
    return text ? (JSON.parse(text) as T) : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps a value that JSON can hold. undefined removes it. */
export function keep(name: string, value: unknown): void {
  const text = value === undefined ? undefined : JSON.stringify(value);
  try {
    if (text === undefined) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, text);
    memory.delete(name);
  } catch {
    if (text === undefined) memory.delete(name);
    else memory.set(name, text);
  }
}

/** Removes everything whose name begins so. */
export function forgetKept(beginning: string): void {
  for (const name of memory.keys()) if (name.startsWith(beginning)) memory.delete(name);
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith(PREFIX + beginning)) localStorage.removeItem(key);
  } catch {
    // There is nothing to forget where nothing can be kept.
  }
}

/** Calls back when another tab has changed what is kept under a name. Returns a function that ends this. */
export function onKeptElsewhere(name: string, changed: () => void): () => void {
  const listen = (event: StorageEvent) => {
    if (event.key === PREFIX + name || event.key === null) changed();
  };
  addEventListener('storage', listen);
  return () => removeEventListener('storage', listen);
}
