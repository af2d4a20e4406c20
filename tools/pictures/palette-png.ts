import { crc32, deflateSync } from 'node:zlib';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** The most that fit into a byte. */
const MAX_COLOURS = 256;

/** A picture as pixels, without transparency. */
export interface Pixels {
  width: number;
  height: number;
  /** Red, green, blue and one unused byte for each pixel, row by row. */
  rgba: Uint8Array;
}

/**
 * Writes a picture as a PNG with a palette. A page has few colours, so this is about half as large as the browser's own PNG, and
 * looks the same.
 */
export function encodePalettePng({ width, height, rgba }: Pixels): Buffer {
  const counts = new Map<number, number>();
  const pixels = new Uint32Array(width * height);
  for (let at = 0; at < pixels.length; at++) {
    const colour = (rgba[4 * at]! << 16) | (rgba[4 * at + 1]! << 8) | rgba[4 * at + 2]!;
    pixels[at] = colour;
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const byCount = [...counts.keys()].sort((one, other) => counts.get(other)! - counts.get(one)!);
  const palette = choosePalette(byCount);
  const indexOf = new Map(byCount.map((colour) => [colour, nearest(palette, colour).index]));

  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y++) {
    // The row's first byte says that it has no filter.
    for (let x = 0; x < width; x++) rows[y * (width + 1) + 1 + x] = indexOf.get(pixels[y * width + x]!)!;
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3], 8); // 8 bits for a pixel, which is a place in the palette
  const colours = Buffer.from(palette.flatMap(channelsOf));
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('PLTE', colours),
    chunk('IDAT', deflateSync(rows, { level: 9, memLevel: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** Leaves out colours that are close to a more frequent one, and no more of them than it must. */
function choosePalette(byCount: number[]): number[] {
  for (let distance = 0; ; distance += 2) {
    const palette: number[] = [];
    for (const colour of byCount) {
      if (nearest(palette, colour).distance > distance) palette.push(colour);
      if (palette.length > MAX_COLOURS) break;
    }
    if (palette.length <= MAX_COLOURS) return palette;
  }
}

function nearest(palette: number[], colour: number): { index: number; distance: number } {
  const [red, green, blue] = channelsOf(colour) as [number, number, number];
  let found = { index: -1, distance: Number.POSITIVE_INFINITY };
  for (const [index, other] of palette.entries()) {
    const distance =
      Math.abs(red - (other >> 16)) + Math.abs(green - ((other >> 8) & 0xff)) + Math.abs(blue - (other & 0xff));
    if (distance < found.distance) found = { index, distance };
  }
  return found;
}

const channelsOf = (colour: number) => [colour >> 16, (colour >> 8) & 0xff, colour & 0xff];

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(named.length + 8);
  framed.writeUInt32BE(data.length, 0);
  named.copy(framed, 4);
  framed.writeUInt32BE(crc32(named), framed.length - 4);
  return framed;
}
