// What the tests of the Hub call in a real browser, bundled as the site is.
export { HubClient } from '../../src/sources/hub/hub-client';
export { pushModel } from '../../src/sources/hub/push';
export { memoryFiles } from '../../src/sources/memory-files';
