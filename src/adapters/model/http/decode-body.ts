import type { Transform } from 'node:stream';
import zlib, { constants, createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib';

/** A body without its end is decoded as far as possible, because it may have been cut at the limit. */
const partly = { finishFlush: constants.Z_SYNC_FLUSH };

function decompressorOf(encoding: string, body: Buffer): Transform | undefined {
  switch (encoding) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip(partly);
    case 'deflate':
      // Some servers omit the zlib header. Its first byte has an 8 in the lower half.
      return (body[0]! & 0x0f) === 8 ? createInflate(partly) : createInflateRaw(partly);
    case 'br':
      return createBrotliDecompress({ finishFlush: constants.BROTLI_OPERATION_FLUSH });
    case 'zstd':
      // Node 22.15 and newer have this.
      return zlib.createZstdDecompress?.();
    default:
      return undefined;
  }
}

const isGzip = (body: Buffer) => body.length > 2 && body[0] === 0x1f && body[1] === 0x8b;

/** Whether a body needs no decoding. Most do not. */
export const isPlain = (body: Buffer, contentEncoding: string | string[] | undefined): boolean =>
  !contentEncoding && !isGzip(body);

/**
 * Decompresses a body, up to `maxBytes`, because a small body may decompress to any size.
 * @param contentEncoding the header's value. gzip is also recognised without the header, by its first bytes
 * @throws zlib's error if the body is not encoded as the header says
 */
export async function decodeBody(
  body: Buffer,
  contentEncoding: string | string[] | undefined,
  maxBytes: number,
): Promise<{ body: Buffer; isCut: boolean }> {
  const encodings = String(contentEncoding ?? '')
    .toLowerCase()
    .split(',')
    .map((encoding) => encoding.trim())
    .filter((encoding) => encoding !== '' && encoding !== 'identity');
  let decoded = body;
  let isCut = false;
  for (const encoding of encodings.reverse()) {
    const looksEncoded = !encoding.endsWith('gzip') || isGzip(decoded);
    if (decoded.length === 0 || !looksEncoded) continue;
    const step = await decompress(decoded, encoding, maxBytes);
    decoded = step.body;
    isCut ||= step.isCut;
  }
  if (encodings.length === 0 && isGzip(decoded)) return await decompress(decoded, 'gzip', maxBytes);
  return { body: decoded, isCut };
}

async function decompress(body: Buffer, encoding: string, maxBytes: number): Promise<{ body: Buffer; isCut: boolean }> {
  const decompressor = decompressorOf(encoding, body);
  if (!decompressor) return { body, isCut: false };
  const chunks: Buffer[] = [];
  let bytes = 0;
  decompressor.end(body);
  for await (const chunk of decompressor as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    // Leaving the loop destroys the decompressor.
    if (bytes > maxBytes) break;
  }
  const all = Buffer.concat(chunks);
  return { body: all.subarray(0, maxBytes), isCut: bytes > maxBytes };
}
