/** The sum of the series of a metric with these labels, in what a process shows to Prometheus. undefined: there is none. */
export function valueIn(text: string, name: string, labels: Record<string, string> = {}): number | undefined {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const lines = text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) && wanted.every((label) => line.includes(label)));
  return lines.length === 0 ? undefined : lines.reduce((sum, line) => sum + Number(line.split(' ')[1]), 0);
}
