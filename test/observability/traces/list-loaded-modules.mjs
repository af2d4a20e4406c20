import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

// For a process that is started with `--import` of this file: writes down the address of each module that it loads.
registerHooks({
  load: (url, context, nextLoad) => {
    appendFileSync(process.env.LOADED_MODULES_FILE, `${url}\n`);
    return nextLoad(url, context);
  },
});
