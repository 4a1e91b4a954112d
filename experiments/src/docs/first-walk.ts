/**
 * `npm run docs:screenshots`: walks the tutorials of the analyst and of the dashboard in a real browser, against a demo that it
 * starts itself; prints how long each step took and takes the pictures of the tutorials, light and dark. `-- --no-pictures` walks
 * the analyst's tutorial only.
 * @module
 */
import { walkAsAnalyst } from './analyst-walk.js';
import { walkTheDashboard } from './dashboard-walk.js';
import { takeNone, takePicture } from './pictures.js';
import { ROOT } from './repository.js';
import { launchBrowser, startDemo, startWatch } from './walk.js';

const pictures = !process.argv.includes('--no-pictures');
const picture = pictures ? takePicture : takeNone;
const watch = startWatch();
const demo = startDemo(ROOT);
const browser = await launchBrowser();
try {
  await walkAsAnalyst({ root: ROOT, browser, demo, watch, picture });
  if (pictures) await walkTheDashboard({ browser, demo, watch, picture });
} finally {
  await browser.close();
  await demo.stop();
}
