import { crc32 } from 'hash-wasm';

/**
 * The files of a zip without compression, by name, read from its list at the end as every unpacker
 * does.
 * @throws Error when it is not whole, or a checksum is wrong
 */
export async function readZip(zip: Uint8Array): Promise<Map<string, Uint8Array>> {
  const view = new DataView(zip.buffer, zip.byteOffset, zip.byteLength);
  const endAt = zip.byteLength - 22;
  if (endAt < 0 || view.getUint32(endAt, true) !== 0x06054b50) throw new Error('no list of files');
  const files = new Map<string, Uint8Array>();
  let at = view.getUint32(endAt + 16, true);
  for (let count = view.getUint16(endAt + 10, true); count > 0; count--) {
    if (view.getUint32(at, true) !== 0x02014b50) throw new Error('a bad entry in the list');
    const sizeBytes = view.getUint32(at + 24, true);
    const nameBytes = view.getUint16(at + 28, true);
    const name = new TextDecoder().decode(zip.subarray(at + 46, at + 46 + nameBytes));
    const localAt = view.getUint32(at + 42, true);
    if (view.getUint32(localAt, true) !== 0x04034b50) throw new Error(`no file at ${name}`);
    const contentAt =
      localAt + 30 + view.getUint16(localAt + 26, true) + view.getUint16(localAt + 28, true);
    const content = zip.slice(contentAt, contentAt + sizeBytes);
    const checksum = view
      .getUint32(at + 16, true)
      .toString(16)
      .padStart(8, '0');
    if ((await crc32(content)) !== checksum) throw new Error(`${name} is damaged`);
    files.set(name, content);
    at += 46 + nameBytes + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return files;
}
