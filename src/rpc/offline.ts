/** Longest wait for the service worker on a first visit; then the page goes on without it. */
const takeOverMs = 1500;
const reloadMark = 'mergelab-reloaded-for-isolation';

/**
 * Registers the service worker and resolves once it controls the page (or cannot), so that what the
 * workers fetch next is kept for use without a network. On a host that sends no isolation headers
 * the page is reloaded once, and never more than once in a tab, to get them from the service worker.
 */
export async function takeOverOffline(): Promise<void> {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  try {
    const { serviceWorker } = navigator;
    await serviceWorker.register(new URL('service-worker.js', document.baseURI));
    if (serviceWorker.controller === null) {
      await Promise.race([
        new Promise<void>((resolve) => {
          serviceWorker.addEventListener('controllerchange', () => {
            resolve();
          });
        }),
        new Promise<void>((resolve) => setTimeout(resolve, takeOverMs)),
      ]);
    }
    if (serviceWorker.controller === null) return;
    if (!crossOriginIsolated && reloadOnce()) {
      // Nothing may start in the moments before the reload.
      await new Promise(() => undefined);
    }
    const loaded = performance.getEntriesByType('resource').map((entry) => entry.name);
    serviceWorker.controller.postMessage({
      type: 'keep',
      urls: [location.href, ...loaded],
      withParts: !savesData(),
    });
  } catch {
    // Service workers are off (private window, policy): the page works online, with one thread.
  }
}

/** Whether the person asked the browser to load as little as possible. */
function savesData(): boolean {
  const { connection } = navigator as { connection?: { saveData?: boolean } };
  return connection?.saveData === true;
}

function reloadOnce(): boolean {
  try {
    if (sessionStorage.getItem(reloadMark) !== null) return false;
    sessionStorage.setItem(reloadMark, '1');
  } catch {
    // Without storage the mark cannot be kept, and a reload could repeat for ever.
    return false;
  }
  location.reload();
  return true;
}
