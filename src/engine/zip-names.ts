/** A title as the name of a folder in a zip, on every system. */
export function zipFolderName(title: string): string {
  const plain = title.replaceAll(/[^\p{L}\p{N}._-]+/gu, '-').replaceAll(/^[.-]+|[.-]+$/gu, '');
  return plain === '' ? 'merge' : plain.slice(0, 80);
}

/** A title as the name of a zip. */
export function zipFileName(title: string): string {
  return `${zipFolderName(title)}.zip`;
}
