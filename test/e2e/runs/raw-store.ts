// The store's database and private files, past the store: what really lies there.

async function openRaw(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open('mergelab');
    opening.onsuccess = () => {
      resolve(opening.result);
    };
    opening.onerror = () => {
      reject(new Error('The database does not open'));
    };
  });
}

/** Flips a bit of the first stored chunk of every file whose key begins like this. */
export async function damage(keyStart: string): Promise<number> {
  const database = await openRaw();
  let damagedCount = 0;
  const transaction = database.transaction('chunks', 'readwrite');
  const visiting = transaction.objectStore('chunks').openCursor();
  visiting.onsuccess = () => {
    const cursor = visiting.result;
    if (cursor === null) return;
    const chunk = cursor.value as { fileKey: string; index: number; bytes?: ArrayBuffer };
    if (chunk.fileKey.startsWith(keyStart) && chunk.index === 0 && chunk.bytes !== undefined) {
      const bytes = new Uint8Array(chunk.bytes);
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 4;
      cursor.update(chunk);
      damagedCount += 1;
    }
    cursor.continue();
  };
  await new Promise<void>((resolve) => {
    transaction.oncomplete = () => {
      resolve();
    };
  });
  database.close();
  return damagedCount;
}

/**
 * The keys of everything that is stored of a run besides its own record and its progress, and the names
 * of private files that no record lists.
 */
export async function leftBehind(runId: string): Promise<readonly string[]> {
  const database = await openRaw();
  const left: string[] = [];
  for (const name of ['models', 'files', 'chunks', 'runs', 'pins']) {
    for (const key of await allKeys(database, name)) {
      const isRecord = name === 'runs' && (key === runId || key === `${runId}/progress`);
      if (key.includes(runId) && !isRecord) left.push(`${name} ${key}`);
    }
  }
  const root = await navigator.storage.getDirectory();
  const generations = await listedGenerations(database);
  try {
    const directory = await root.getDirectoryHandle('mergelab-chunks');
    for await (const name of directory.keys()) {
      if (!generations.has(name)) left.push(`private ${name}`);
    }
  } catch {
    // Nothing was ever stored there.
  }
  database.close();
  return left;
}

async function allKeys(database: IDBDatabase, name: string): Promise<string[]> {
  const asked = database.transaction(name).objectStore(name).getAllKeys();
  await settled(asked);
  return asked.result.map((key) => JSON.stringify(key).replaceAll('"', ''));
}

async function listedGenerations(database: IDBDatabase): Promise<ReadonlySet<string>> {
  const asked = database.transaction('files').objectStore('files').getAll();
  await settled(asked);
  return new Set((asked.result as { generation: string }[]).map(({ generation }) => generation));
}

async function settled(asked: IDBRequest): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    asked.onsuccess = () => {
      resolve();
    };
    asked.onerror = () => {
      reject(new Error('The database does not answer'));
    };
  });
}
